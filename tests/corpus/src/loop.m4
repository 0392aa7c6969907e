divert(-1)
dnl Recursion, arithmetic and text that grows.
define(`sum', `ifelse($1, 0, 0, `eval($1 + sum(decr($1)))')')
define(`each', `ifelse($1, 0, , `x$1 len(substr(format(`%08d', $1), 2)) each(decr($1))')')
define(`again', `ifelse($1, 0, , `translit(`each(40)', `x', `y') again(decr($1))')')
divert
sum(900)
each(3000)
again(4000)
