package main

import (
	"crypto/sha256"
	"fmt"
	"os/exec"
	"sort"
	"sync"
)

func main() {
	var group sync.WaitGroup
	results := make([]int, 64)
	for k := range results {
		group.Add(1)
		go func(k int) {
			defer group.Done()
			for i := 0; i < 300000; i++ {
				results[k] = (results[k]*31 + i ^ k) % 1000003
			}
		}(k)
	}
	group.Wait()
	table := map[int]string{}
	for i := 0; i < 300000; i++ {
		table[i*7919%1000003] = fmt.Sprint(i)
	}
	keys := make([]int, 0, len(table))
	for key := range table {
		keys = append(keys, key)
	}
	sort.Ints(keys)
	pipe := make(chan int)
	go func() {
		for i := 0; i < 100000; i++ {
			pipe <- i
		}
		close(pipe)
	}()
	sum := 0
	for i := range pipe {
		sum += i
	}
	out, err := exec.Command("sh", "-c", "echo child").Output()
	fmt.Println(results[:4], len(keys), sum, string(out), err)
	fmt.Printf("%x\n", sha256.Sum256([]byte(fmt.Sprint(keys[:1000]))))
	defer func() { fmt.Println("recovered:", recover()) }()
	var nothing *[4]int
	fmt.Println(nothing[2])
}
