import std.stdio, std.algorithm, std.range, std.parallelism;
void main() {
    int[int] table;
    foreach (i; 0 .. 300000) table[i * 7919 % 10007] = i;
    writeln(table.length, " ", taskPool.reduce!"a + b"(0L, iota(1000000)));
    try { int[] a; a[table.length > 0 ? 3 : 0] = 1; } catch (Error e) writeln("caught");
}
