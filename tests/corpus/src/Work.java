import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;

public class Work {
    static class Node { Node next; int value; }
    public static void main(String[] words) throws Exception {
        int caught = 0, less = words.length > 0 ? Integer.parseInt(words[0]) : 1;
        for (int i = 0; i < 3000; i++) {
            Node node = i % 3 == 0 ? null : new Node();
            try { caught += node.value; } catch (NullPointerException e) { caught++; }
        }
        System.out.println(caught);
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<Long>> sums = new ArrayList<>();
        for (int k = 0; k < 8; k++) {
            final int n = k;
            sums.add(pool.submit(() -> LongStream.range(0, 2_000_000 / less).filter(x -> x % (n + 2) == 0).sum()));
        }
        for (Future<Long> sum : sums) System.out.print(sum.get() + " ");
        pool.shutdown();
        Map<Integer, String> map = new HashMap<>();
        for (int i = 0; i < 400_000; i++) map.put(i * 7919 % 100_003, "v" + i);
        System.out.println(map.size() + " " + map.values().stream().mapToInt(String::hashCode).sum());
        Process child = new ProcessBuilder("sh", "-c", "echo child; exit 5").redirectErrorStream(true).start();
        System.out.print(new String(child.getInputStream().readAllBytes()));
        System.out.println(child.waitFor());
        System.gc();
    }
}
