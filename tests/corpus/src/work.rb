require "digest"
words = Array.new(300_000) { |i| ((i * 2654435761) % 4294967296).to_s(36) }
puts words.sort.uniq.size, Digest::SHA256.hexdigest(words.sort.first(1000).join)
threads = 6.times.map { |k| Thread.new { (1..20_000).inject { |a, b| (a * b + k) % 1_000_003 } } }
p threads.map(&:value)
p words.group_by { |w| w[0] }.map { |k, v| [k, v.size] }.sort.first(5)
r, w = IO.pipe
pid = fork { r.close; w.write("from the child " + [1, 2, 3].sum.to_s); exit! 3 }
w.close
puts r.read; Process.wait(pid); puts $?.exitstatus, `echo sub | tr a-z A-Z`
