int f(int n) { return n < 2 ? n : f(n - 1) + f(n - 2); }
int main()
{
    write("%d\n", f(36));
    write("%d\n", sizeof(Array.uniq(map(enumerate(100000), lambda(int i) { return i * 7919 % 1007; }))));
}
