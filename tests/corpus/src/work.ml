let () =
  let table = Hashtbl.create 1000 in
  for i = 1 to 600000 do Hashtbl.replace table (i * 7919 mod 100003) i done;
  let rec fib n = if n < 2 then n else fib (n - 1) + fib (n - 2) in
  Printf.printf "%d %d\n" (Hashtbl.length table) (fib 32);
  let l = List.sort compare (List.init 300000 (fun i -> i * 48271 mod 2147483647)) in
  Printf.printf "%d\n" (List.nth l 1000);
  (try ignore (let rec deep n = 1 + deep (n + 1) in deep 0) with Stack_overflow -> print_endline "stack overflow")
