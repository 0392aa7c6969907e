/* Inserts ARG1 keys into a B-tree, looks each up, and sums them in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { KEYS = 31 };
struct node {
    int count, leaf;
    unsigned keys[KEYS];
    struct node *children[KEYS + 1];
};
static struct node *new_node(int leaf)
{
    struct node *n = calloc(1, sizeof *n);
    n->leaf = leaf;
    return n;
}
static void split(struct node *parent, int at)
{
    struct node *left = parent->children[at], *right = new_node(left->leaf);
    int half = KEYS / 2;
    right->count = KEYS - half - 1;
    memcpy(right->keys, left->keys + half + 1, right->count * sizeof right->keys[0]);
    if (!left->leaf)
        memcpy(right->children, left->children + half + 1, (right->count + 1) * sizeof right->children[0]);
    left->count = half;
    memmove(parent->keys + at + 1, parent->keys + at, (parent->count - at) * sizeof parent->keys[0]);
    memmove(parent->children + at + 2, parent->children + at + 1,
        (parent->count - at) * sizeof parent->children[0]);
    parent->keys[at] = left->keys[half];
    parent->children[at + 1] = right;
    parent->count++;
}
static struct node *insert(struct node *root, unsigned key)
{
    if (root->count == KEYS) {
        struct node *top = new_node(0);
        top->children[0] = root;
        split(top, 0);
        root = top;
    }
    for (struct node *n = root;;) {
        int i = 0;
        while (i < n->count && key > n->keys[i])
            i++;
        if (n->leaf) {
            memmove(n->keys + i + 1, n->keys + i, (n->count - i) * sizeof n->keys[0]);
            n->keys[i] = key;
            n->count++;
            return root;
        }
        if (n->children[i]->count == KEYS) {
            split(n, i);
            if (key > n->keys[i])
                i++;
        }
        n = n->children[i];
    }
}
static int has(const struct node *n, unsigned key)
{
    for (;;) {
        int i = 0;
        while (i < n->count && key > n->keys[i])
            i++;
        if (i < n->count && n->keys[i] == key)
            return 1;
        if (n->leaf)
            return 0;
        n = n->children[i];
    }
}
static unsigned long long sum(const struct node *n, unsigned long long x)
{
    for (int i = 0; i <= n->count; i++) {
        if (!n->leaf)
            x = sum(n->children[i], x);
        if (i < n->count)
            x = x * 31 + n->keys[i];
    }
    return x;
}
int main(int argc, char **argv)
{
    unsigned count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000, found = 0;
    struct node *root = new_node(1);
    for (unsigned i = 0; i < count; i++)
        root = insert(root, i * 2654435761u);
    for (unsigned i = 0; i < 2 * count; i++)
        found += has(root, i * 2654435761u);
    printf("%u %llx\n", found, sum(root, 0));
    return 0;
}
