use std::collections::HashMap;
use std::process::Command;
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

fn main() {
    let total = Arc::new(Mutex::new(0u64));
    let (send, receive) = mpsc::channel();
    let threads: Vec<_> = (0..6u64).map(|k| { let total = total.clone(); let send = send.clone(); thread::spawn(move || {
        let mut x = k + 1;
        for _ in 0..3_000_000 { x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); }
        *total.lock().unwrap() ^= x;
        send.send(k).unwrap();
    })}).collect();
    drop(send);
    let order: u64 = receive.iter().sum();
    for t in threads { t.join().unwrap(); }
    let mut map = HashMap::new();
    for i in 0..500_000u64 { *map.entry(i * 7919 % 100_003).or_insert(0u64) += i; }
    let out = Command::new("sh").arg("-c").arg("echo child; exit 3").output().unwrap();
    println!("{} {} {} {:?}", total.lock().unwrap(), order, map.len(), out.status.code());
    let caught = std::panic::catch_unwind(|| { let v: Vec<i32> = vec![]; v[map.len()] });
    println!("{}", caught.is_err());
}
