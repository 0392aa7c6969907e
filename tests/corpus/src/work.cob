identification division.
program-id. work.
data division.
working-storage section.
01 i pic 9(8) comp.
01 s pic 9(12) comp value 0.
procedure division.
    perform varying i from 1 by 1 until i > 12000000
        compute s = s + function mod(i, 7)
    end-perform
    display s
    stop run.
