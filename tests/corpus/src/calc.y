%{
#include <ctype.h>
#include <stdio.h>
int yylex(void);
void yyerror(const char *s) { puts(s); }
%}
%token NUMBER
%left '+'
%left '*'
%%
lines: | lines e '\n' { printf("%d\n", $2); };
e: NUMBER | e '+' e { $$ = $1 + $3; } | e '*' e { $$ = $1 * $3; };
%%
int yylex(void)
{
    int c = getchar();
    if (!isdigit(c)) return c == EOF ? 0 : c;
    for (yylval = 0; isdigit(c); c = getchar()) yylval = yylval * 10 + c - '0';
    ungetc(c, stdin);
    return NUMBER;
}
int main(void) { return yyparse(); }
