use strict; use warnings;
my %count; my $x = 12345;
for (1 .. 3000000) { $x = ($x * 1103515245 + 12345) & 0x7fffffff; $count{$x % 5000}++; }
print join(",", map { "$_=$count{$_}" } (sort { $count{$b} <=> $count{$a} || $a <=> $b } keys %count)[0 .. 9]), "\n";
my $text = join " ", map { sprintf "%x", $_ * 2654435761 % 4294967296 } 1 .. 400000;
my $n = () = $text =~ /([a-f]+)\d+\1/g; print "$n\n";
for my $k (1 .. 6) { my $pid = fork(); if (!$pid) { exit $k } waitpid $pid, 0; print $? >> 8, " "; }
print `printf 'a\nb\nc\n' | sort -r`; local $SIG{ALRM} = sub { print "alarm\n" }; alarm 1; sleep 5;
