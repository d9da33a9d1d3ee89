//! Changing one place of a document: what PUT, POST and DELETE on a path of `/config` mean.
//!
//! A path is a list of names that are already decoded. An array element is named by decimal
//! digits; leading zeros are allowed, a sign is not.

use super::Value;

/// What to do at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Replace what is there, or create it as a new last member or element.
    Put(Value),
    /// Append to the array that is there.
    Append(Value),
    /// Remove what is there.
    Delete,
}

/// Why an edit is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The path leads nowhere.
    #[error("the path does not exist")]
    NotFound,
    /// Only an array can be appended to.
    #[error("only an array can be appended to")]
    NotArray,
}

/// The value at a path.
pub fn find<'v>(root: &'v Value, path: &[impl AsRef<str>]) -> Option<&'v Value> {
    path.iter().try_fold(root, |value, name| match value {
        Value::Object(_) => value.get_member(name.as_ref()),
        Value::Array(elements) => elements.get(array_index(name.as_ref())?),
        _ => None,
    })
}

/// A copy of the document with one place changed. An empty path is the document itself; a deleted
/// document is the empty object.
pub fn edit(root: &Value, path: &[impl AsRef<str>], edit: Edit) -> Result<Value, EditError> {
    let mut copy = root.clone();
    change(&mut copy, path, edit)?;
    Ok(copy)
}

fn change(root: &mut Value, path: &[impl AsRef<str>], edit: Edit) -> Result<(), EditError> {
    let Some((last, parents)) = path
        .split_last()
        .filter(|_| !matches!(edit, Edit::Append(_)))
    else {
        let mut target = root;
        for name in path {
            target = child(target, name.as_ref())?;
        }
        match (edit, target) {
            (Edit::Put(value), target) => *target = value,
            (Edit::Delete, target) => *target = Value::object(),
            (Edit::Append(value), Value::Array(elements)) => elements.push(value),
            (Edit::Append(_), _) => return Err(EditError::NotArray),
        }
        return Ok(());
    };
    let mut parent = root;
    for name in parents {
        parent = child(parent, name.as_ref())?;
    }
    let last = last.as_ref();
    match parent {
        Value::Object(members) => {
            let position = members.iter().position(|(name, _)| &**name == last);
            match (edit, position) {
                (Edit::Put(value), Some(position)) => members[position].1 = value,
                (Edit::Put(value), None) => members.push((last.into(), value)),
                (_, Some(position)) => drop(members.remove(position)),
                (_, None) => return Err(EditError::NotFound),
            }
        }
        Value::Array(elements) => {
            let position = array_index(last).ok_or(EditError::NotFound)?;
            match edit {
                Edit::Put(value) if position == elements.len() => elements.push(value),
                Edit::Put(value) if position < elements.len() => elements[position] = value,
                Edit::Delete if position < elements.len() => drop(elements.remove(position)),
                _ => return Err(EditError::NotFound),
            }
        }
        _ => return Err(EditError::NotFound),
    }
    Ok(())
}

fn child<'v>(value: &'v mut Value, name: &str) -> Result<&'v mut Value, EditError> {
    match value {
        Value::Object(members) => members
            .iter_mut()
            .find(|(key, _)| &**key == name)
            .map(|(_, value)| value),
        Value::Array(elements) => array_index(name).and_then(|index| elements.get_mut(index)),
        _ => None,
    }
    .ok_or(EditError::NotFound)
}

/// An array index: decimal digits within 31 bits.
fn array_index(text: &str) -> Option<usize> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse::<i32>()
        .ok()
        .and_then(|index| usize::try_from(index).ok())
}

#[cfg(test)]
mod tests {
    use super::super::{compact, parse};
    use super::*;

    const DOCUMENT: &str = r#"{"a":{"x/y":1,"z":"s"},"b":[10,20,30]}"#;

    fn run(path: &[&str], change: Edit) -> Result<String, EditError> {
        edit(&parse(DOCUMENT.as_bytes()).unwrap(), path, change).map(|value| compact(&value))
    }

    #[test]
    fn values_are_found_by_name_and_index() {
        let document = parse(DOCUMENT.as_bytes()).unwrap();
        let text = |path: &[&str]| find(&document, path).map(compact);
        assert_eq!(text(&["a", "x/y"]).as_deref(), Some("1"));
        assert_eq!(text(&["b", "002"]).as_deref(), Some("30"));
        for path in [
            &["b", "3"][..],
            &["b", "-1"],
            &["b", "+1"],
            &["b", ""],
            &["c"],
            &["a", "z", "q"],
        ] {
            assert_eq!(text(path), None, "{path:?}");
        }
        assert_eq!(text(&[]).as_deref(), Some(DOCUMENT));
    }

    #[test]
    fn put_replaces_or_creates_the_last_element() {
        let put = |path: &[&str]| run(path, Edit::Put(Value::Bool(true)));
        assert_eq!(put(&[]).unwrap(), "true");
        assert_eq!(put(&["a"]).unwrap(), r#"{"a":true,"b":[10,20,30]}"#);
        assert_eq!(
            put(&["a", "new"]).unwrap(),
            r#"{"a":{"x/y":1,"z":"s","new":true},"b":[10,20,30]}"#
        );
        assert_eq!(
            put(&["b", "1"]).unwrap(),
            r#"{"a":{"x/y":1,"z":"s"},"b":[10,true,30]}"#
        );
        assert_eq!(
            put(&["b", "3"]).unwrap(),
            r#"{"a":{"x/y":1,"z":"s"},"b":[10,20,30,true]}"#
        );
        for path in [
            &["b", "4"][..],
            &["b", "x"],
            &["c", "d"],
            &["a", "z", "below"],
            &["a", "x/y", "below"],
        ] {
            assert_eq!(put(path), Err(EditError::NotFound), "{path:?}");
        }
    }

    #[test]
    fn append_needs_an_array() {
        let append = |path: &[&str]| run(path, Edit::Append(Value::Null));
        assert_eq!(
            append(&["b"]).unwrap(),
            r#"{"a":{"x/y":1,"z":"s"},"b":[10,20,30,null]}"#
        );
        assert_eq!(append(&["a"]), Err(EditError::NotArray));
        assert_eq!(append(&["a", "x/y"]), Err(EditError::NotArray));
        assert_eq!(append(&["nowhere"]), Err(EditError::NotFound));
    }

    #[test]
    fn delete_removes_members_and_shifts_elements() {
        let delete = |path: &[&str]| run(path, Edit::Delete);
        assert_eq!(
            delete(&["a", "x/y"]).unwrap(),
            r#"{"a":{"z":"s"},"b":[10,20,30]}"#
        );
        assert_eq!(
            delete(&["b", "0"]).unwrap(),
            r#"{"a":{"x/y":1,"z":"s"},"b":[20,30]}"#
        );
        assert_eq!(delete(&[]).unwrap(), "{}");
        assert_eq!(delete(&["b", "3"]), Err(EditError::NotFound));
        assert_eq!(delete(&["nowhere"]), Err(EditError::NotFound));
    }
}
