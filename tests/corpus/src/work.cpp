#include <algorithm>
#include <atomic>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
int main()
{
    std::map<std::string, std::vector<int>> map;
    for (int i = 0; i < 60000; i++) map[std::to_string(i * 7919 % 1009)].push_back(i);
    std::atomic<long> sum{0};
    std::vector<std::thread> threads;
    for (int k = 0; k < 5; k++) threads.emplace_back([&, k] { for (int i = 0; i < 100000; i++) sum += i % (k + 2); });
    for (auto &thread : threads) thread.join();
    int caught = 0;
    for (int i = 0; i < 2000; i++) try { if (i % 2) throw std::runtime_error("odd"); } catch (const std::exception &) { caught++; }
    std::regex r("(\\d)\\1");
    std::cout << map.size() << ' ' << sum << ' ' << caught << ' ' << std::count_if(map.begin(), map.end(), [&](auto &p) { return std::regex_search(p.first, r); }) << '\n';
}
