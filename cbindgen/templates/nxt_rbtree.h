/* A red-black tree whose nodes lie inside the objects they order. */

#ifndef NXT_RBTREE_H
#define NXT_RBTREE_H

typedef struct nxt_rbtree_node_s nxt_rbtree_node_t;

@ struct nxt_rbtree_node_t

@ nxt_rbtree_part_t

@ nxt_rbtree_t

@ nxt_rbtree_compare_t

/** The members of an object that is a node; the colour follows the links. */
#define NXT_RBTREE_NODE(member)                                               \
    nxt_rbtree_part_t  member;                                                \
    uint8_t            member##_color

#define NXT_RBTREE_NODE_INIT  { NULL, NULL, NULL }, 0

#define nxt_rbtree_sentinel(tree)  (&(tree)->sentinel)
#define nxt_rbtree_root(tree)  ((tree)->sentinel.left)
#define nxt_rbtree_is_empty(tree)  \
    (nxt_rbtree_sentinel(tree) == nxt_rbtree_root(tree))

/** The least node at or below `node`. */
nxt_inline nxt_rbtree_node_t *
nxt_rbtree_branch_min(nxt_rbtree_t *tree, nxt_rbtree_node_t *node)
{
    nxt_rbtree_node_t  *below;

    for (below = node->left;
         below != nxt_rbtree_sentinel(tree);
         below = node->left)
    {
        node = below;
    }

    return node;
}

/** The least node, or the sentinel. */
#define nxt_rbtree_min(tree)  \
    nxt_rbtree_branch_min(tree, nxt_rbtree_sentinel(tree))

#define nxt_rbtree_is_there_successor(tree, node)  \
    (nxt_rbtree_sentinel(tree) != (node))

/** The next node, or the sentinel, whose left child the root is. */
nxt_inline nxt_rbtree_node_t *
nxt_rbtree_node_successor(nxt_rbtree_t *tree, nxt_rbtree_node_t *node)
{
    nxt_rbtree_node_t  *child;

    if (nxt_rbtree_is_there_successor(tree, node->right)) {
        return nxt_rbtree_branch_min(tree, node->right);
    }

    do {
        child = node;
        node = child->parent;
    } while (node->left != child);

    return node;
}

@ nxt_rbtree_init

@ nxt_rbtree_insert

@ nxt_rbtree_find

@ nxt_rbtree_find_less_or_equal

@ nxt_rbtree_find_greater_or_equal

@ nxt_rbtree_delete

@ nxt_rbtree_destroy_next

#endif /* NXT_RBTREE_H */
