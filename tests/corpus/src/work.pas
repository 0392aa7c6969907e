program work;
var i, s: longint; a: array[0..100000] of longint;
begin
  s := 0;
  for i := 0 to 400000000 do s := (s + i * 7) mod 1000003;
  for i := 0 to 100000 do a[i] := i;
  writeln(s, ' ', a[777]);
end.
