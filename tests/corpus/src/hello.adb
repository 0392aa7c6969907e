with Ada.Text_IO; use Ada.Text_IO;
procedure Hello is
   task type Worker (N : Integer);
   Total : array (1 .. 3) of Long_Integer := (others => 0);
   task body Worker is
   begin
      for I in 1 .. 90_000_000 loop
         Total (N) := Total (N) + Long_Integer (I mod (N + 1));
      end loop;
   end Worker;
begin
   declare
      A : Worker (1); B : Worker (2); C : Worker (3);
   begin
      null;
   end;
   Put_Line (Long_Integer'Image (Total (1) + Total (2) + Total (3)));
   begin
      Total (Integer'Value ("7")) := 1;
   exception
      when Constraint_Error => Put_Line ("caught");
   end;
end Hello;
