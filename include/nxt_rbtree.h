/* A red-black tree whose nodes lie inside the objects they order. */

#ifndef NXT_RBTREE_H
#define NXT_RBTREE_H

typedef struct nxt_rbtree_node_s nxt_rbtree_node_t;

/** A node. */
struct nxt_rbtree_node_s {
    /** The lesser ones. */
    nxt_rbtree_node_t *left;
    /** The greater ones, and those that compare equal. */
    nxt_rbtree_node_t *right;
    /** The node above. */
    nxt_rbtree_node_t *parent;
    /** 0 is black, 1 is red. */
    uint8_t color;
};

/**
 * A node without its colour, which the object may keep where it has a byte to spare: the byte
 * that follows.
 */
typedef struct nxt_rbtree_part_s {
    /** As in a node. */
    nxt_rbtree_node_t *left;
    /** As in a node. */
    nxt_rbtree_node_t *right;
    /** As in a node. */
    nxt_rbtree_node_t *parent;
} nxt_rbtree_part_t;

/** A tree. */
typedef struct nxt_rbtree_s {
    /** The sentinel. */
    nxt_rbtree_node_t sentinel;
} nxt_rbtree_t;

/**
 * Negative, zero or positive as `node1` is before, equal to or after `node2`.
 */
typedef ssize_t (*nxt_rbtree_compare_t)(nxt_rbtree_node_t *node1,
                                          nxt_rbtree_node_t *node2);

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

/**
 * Makes a tree empty; `compare` orders its nodes.
 *
 * Requires:
 * `tree` is NULL or writable.
 */
void nxt_rbtree_init(nxt_rbtree_t *tree, nxt_rbtree_compare_t compare);

/**
 * Adds a node, after those that compare equal. The node's colour is the byte after `node`.
 *
 * Requires:
 * `tree` is NULL or a tree; `node` is NULL or a node of the kind that the tree's `compare` takes,
 * in no tree, with room for its colour.
 */
void nxt_rbtree_insert(nxt_rbtree_t *tree,
                       nxt_rbtree_part_t *node);

/**
 * A node that compares equal to `node`, or NULL.
 *
 * Requires:
 * `tree` is NULL or a tree; `node` is NULL or of the kind that the tree's `compare` takes.
 */
nxt_rbtree_node_t *nxt_rbtree_find(nxt_rbtree_t *tree,
                                   nxt_rbtree_part_t *node);

/**
 * The last node that does not come after `node`, or NULL.
 *
 * Requires:
 * As `nxt_rbtree_find`.
 */
nxt_rbtree_node_t *nxt_rbtree_find_less_or_equal(nxt_rbtree_t *tree,
                                                 nxt_rbtree_part_t *node);

/**
 * The first node that does not come before `node`, or NULL.
 *
 * Requires:
 * As `nxt_rbtree_find`.
 */
nxt_rbtree_node_t *nxt_rbtree_find_greater_or_equal(nxt_rbtree_t *tree,
                                                    nxt_rbtree_part_t *node);

/**
 * Takes a node out of its tree.
 *
 * Requires:
 * `tree` is NULL or a tree; `node` is NULL or a node of it.
 */
void nxt_rbtree_delete(nxt_rbtree_t *tree, nxt_rbtree_part_t *node);

/**
 * Takes the least of the nodes below `next` out of a tree that is given up: the tree is not kept in
 * balance and may only be emptied further. `next`, at first the root, is moved on; it is the
 * sentinel when the tree is empty.
 *
 * Requires:
 * `tree` is NULL or a tree; `next` is NULL or names a node of it.
 */
nxt_rbtree_node_t *nxt_rbtree_destroy_next(nxt_rbtree_t *tree,
                                           nxt_rbtree_node_t **next);

#endif /* NXT_RBTREE_H */
