//! The tree against a sorted vector, with its rules checked after every step.

use super::*;

#[repr(C)]
struct Item {
    node: nxt_rbtree_node_t,
    key: u32,
}

unsafe extern "C" fn compare(one: Node, two: Node) -> isize {
    // SAFETY: all nodes of these tests are items.
    let (one, two) = unsafe { ((*one.cast::<Item>()).key, (*two.cast::<Item>()).key) };
    one.cmp(&two) as isize
}

#[expect(
    clippy::vec_box,
    reason = "items must not move: the tree has their addresses"
)]
struct Fixture {
    tree: Box<nxt_rbtree_t>,
    items: Vec<Box<Item>>,
}

const EMPTY: nxt_rbtree_node_t = nxt_rbtree_node_t {
    left: ptr::null_mut(),
    right: ptr::null_mut(),
    parent: ptr::null_mut(),
    color: 7,
};

impl Fixture {
    fn new() -> Fixture {
        let mut tree = Box::new(nxt_rbtree_t { sentinel: EMPTY });
        // SAFETY: the box is ours.
        unsafe { init(&raw mut *tree, Some(compare)) };
        Fixture {
            tree,
            items: Vec::new(),
        }
    }

    fn tree(&mut self) -> Tree {
        // SAFETY: initialised, and all items live as long as the fixture.
        unsafe { Tree::new(&raw mut *self.tree) }.unwrap()
    }

    fn insert(&mut self, key: u32) {
        self.items.push(Box::new(Item { node: EMPTY, key }));
        let node = (&raw mut **self.items.last_mut().unwrap()).cast();
        // SAFETY: a new item.
        unsafe { self.tree().insert(node) };
    }

    fn delete(&mut self, index: usize) {
        let mut item = self.items.swap_remove(index);
        // SAFETY: an item of the tree.
        unsafe { self.tree().delete((&raw mut *item).cast()) };
    }

    fn find(&mut self, key: u32, wanted: Match) -> Option<u32> {
        let mut item = Item { node: EMPTY, key };
        // SAFETY: the answer is NULL or an item.
        unsafe {
            let found = self.tree().find((&raw mut item).cast(), wanted);
            (!found.is_null()).then(|| (*found.cast::<Item>()).key)
        }
    }

    /// The keys in order; panics where a rule is broken.
    fn keys(&mut self) -> Vec<u32> {
        let tree = self.tree();
        let mut keys = Vec::new();
        // SAFETY: all nodes are alive.
        unsafe {
            let root = tree.root();
            assert_eq!((*root).color, BLACK);
            assert!(tree.is_end(root) || (*root).parent == tree.sentinel);
            walk(tree, root, &mut keys);
        }
        keys
    }
}

/// Black nodes on each way down.
unsafe fn walk(tree: Tree, node: Node, keys: &mut Vec<u32>) -> usize {
    if tree.is_end(node) {
        return 1;
    }
    // SAFETY: a node of the tree.
    unsafe {
        for below in [(*node).left, (*node).right] {
            assert!(tree.is_end(below) || (*below).parent == node);
            assert!((*node).color == BLACK || (*below).color == BLACK);
        }
        let left = walk(tree, (*node).left, keys);
        keys.push((*node.cast::<Item>()).key);
        let right = walk(tree, (*node).right, keys);
        assert_eq!(left, right);
        left + usize::from((*node).color == BLACK)
    }
}

/// Numbers that look random.
fn numbers() -> impl Iterator<Item = u32> {
    std::iter::successors(Some(1u32), |last| {
        Some(crate::base::murmur::hash2(&last.to_le_bytes()))
    })
}

#[test]
fn as_a_sorted_vector() {
    let mut fixture = Fixture::new();
    let mut expected: Vec<u32> = Vec::new();
    for number in numbers().take(3000) {
        if number % 3 == 0 && !expected.is_empty() {
            let index = number as usize % fixture.items.len();
            let key = fixture.items[index].key;
            fixture.delete(index);
            expected.remove(expected.binary_search(&key).unwrap());
        } else {
            let key = number % 500;
            fixture.insert(key);
            expected.insert(expected.partition_point(|other| *other <= key), key);
        }
        assert_eq!(fixture.keys(), expected);
    }
    for key in 0..502 {
        let at = expected.partition_point(|other| *other < key);
        let after = expected.get(at).copied();
        let same = after.filter(|found| *found == key);
        assert_eq!(fixture.find(key, Match::Equal), same);
        assert_eq!(fixture.find(key, Match::GreaterOrEqual), after);
        let before = at.checked_sub(1).map(|index| expected[index]);
        assert_eq!(fixture.find(key, Match::LessOrEqual), same.or(before));
    }
    while !fixture.items.is_empty() {
        fixture.delete(0);
        fixture.keys();
    }
}

#[test]
fn equal_nodes_stay_in_the_order_they_came() {
    let mut fixture = Fixture::new();
    (0..50).for_each(|_| fixture.insert(7));
    let tree = fixture.tree();
    let mut order = Vec::new();
    // SAFETY: all nodes are alive.
    unsafe {
        let mut next = tree.root();
        while !tree.is_end(next) {
            order.push(tree.destroy_next(&mut next).cast::<Item>().cast_const());
        }
    }
    let added: Vec<*const Item> = fixture.items.iter().map(|item| &raw const **item).collect();
    assert_eq!(order, added);
}

#[test]
fn emptying_visits_every_node_once() {
    let mut fixture = Fixture::new();
    numbers().take(1000).for_each(|key| fixture.insert(key));
    let expected = fixture.keys();
    let tree = fixture.tree();
    let mut keys = Vec::new();
    // SAFETY: all nodes are alive.
    unsafe {
        let mut next = tree.root();
        while !tree.is_end(next) {
            keys.push((*tree.destroy_next(&mut next).cast::<Item>()).key);
        }
        assert!(tree.is_end(tree.root()));
    }
    assert_eq!(keys, expected);
}
