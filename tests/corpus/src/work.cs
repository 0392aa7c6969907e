using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
class Work {
    static int F(int n) => n < 2 ? n : F(n - 1) + F(n - 2);
    static void Main() {
        var map = new Dictionary<int, string>();
        for (int i = 0; i < 300000; i++) map[i * 7919 % 100003] = "v" + i;
        Console.WriteLine(map.Count + " " + F(30));
        var tasks = Enumerable.Range(20, 6).Select(n => Task.Run(() => F(n))).ToArray();
        Task.WaitAll(tasks);
        Console.WriteLine(string.Join(",", tasks.Select(t => t.Result)));
        try { object o = null; o.ToString(); } catch (NullReferenceException) { Console.WriteLine("caught"); }
    }
}
