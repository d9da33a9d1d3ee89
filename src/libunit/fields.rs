//! The fields of a request head in shared memory.

use std::ffi::c_char;

use crate::abi::unit::*;
pub use crate::http::field::field_hash;

impl nxt_unit_sptr_t {
    /// What it points at.
    ///
    /// # Safety
    /// `this` points at a serialized pointer that was set in the structure it lies in.
    pub(super) unsafe fn target(this: *const Self) -> *mut c_char {
        // SAFETY: the caller's; both lie in one buffer.
        unsafe {
            this.cast::<c_char>()
                .add((*this).offset as usize)
                .cast_mut()
        }
    }

    /// Makes it point at `target`, which lies behind it in the same buffer.
    ///
    /// # Safety
    /// `this` may be written.
    pub(super) unsafe fn point(this: *mut Self, target: *const c_char) {
        let offset = (target as usize).wrapping_sub(this as usize) as u32;
        // SAFETY: the caller's.
        unsafe { (*this).offset = offset };
    }
}

/// The fields behind a request head.
///
/// # Safety
/// `head` points at a request head that the router wrote.
unsafe fn fields<'a>(head: *mut nxt_unit_request_t) -> &'a mut [nxt_unit_field_t] {
    // SAFETY: the head is followed by as many fields as it says (checked when it was received).
    unsafe {
        let first = (&raw mut (*head).fields).cast::<nxt_unit_field_t>();
        std::slice::from_raw_parts_mut(first, (*head).fields_count as usize)
    }
}

/// Moves fields of the same name together (`nxt_unit_request_group_dup_fields`), lets them share
/// the first one's name, and corrects the indexes of the well-known fields in the head.
///
/// # Safety
/// `head` points at a request head that the router wrote, and no one else uses it now.
pub unsafe fn group_duplicate_fields(head: *mut nxt_unit_request_t) {
    // SAFETY: the caller's.
    let fields = unsafe { fields(head) };
    // Serialized pointers are relative to their place, so fields are moved as absolute pointers.
    let name_of = |field: &nxt_unit_field_t| {
        // SAFETY: the router set name and name_length.
        unsafe {
            std::slice::from_raw_parts(
                nxt_unit_sptr_t::target(&field.name).cast::<u8>(),
                field.name_length as usize,
            )
        }
    };
    let place = |field: &mut nxt_unit_field_t, from: nxt_unit_field_t, name: *mut c_char, value| {
        *field = from;
        // SAFETY: both pointers lie behind the fields, in the same buffer.
        unsafe {
            nxt_unit_sptr_t::point(&mut field.name, name);
            nxt_unit_sptr_t::point(&mut field.value, value);
        }
    };
    // SAFETY: the router set both.
    let targets = |field: &nxt_unit_field_t| unsafe {
        (
            nxt_unit_sptr_t::target(&field.name),
            nxt_unit_sptr_t::target(&field.value),
        )
    };

    let mut group = 0;
    while group < fields.len() {
        let mut end = group + 1;
        for candidate in group + 1..fields.len() {
            let (first, other) = (&fields[group], &fields[candidate]);
            if first.hash != other.hash || !name_of(first).eq_ignore_ascii_case(name_of(other)) {
                continue;
            }
            let name = targets(first).0;
            let (moved, value) = (*other, targets(other).1);
            for i in (end..candidate).rev() {
                let (from, (n, v)) = (fields[i], targets(&fields[i]));
                place(&mut fields[i + 1], from, n, v);
            }
            place(&mut fields[end], moved, name, value);
            end += 1;
        }
        group = end;
    }

    for (i, field) in fields.iter().enumerate() {
        let name = name_of(field);
        // SAFETY: the caller's; the head does not overlap the fields.
        let index = unsafe {
            match field.hash {
                NXT_UNIT_HASH_CONTENT_LENGTH if name.eq_ignore_ascii_case(b"content-length") => {
                    &mut (*head).content_length_field
                }
                NXT_UNIT_HASH_CONTENT_TYPE if name.eq_ignore_ascii_case(b"content-type") => {
                    &mut (*head).content_type_field
                }
                NXT_UNIT_HASH_COOKIE if name.eq_ignore_ascii_case(b"cookie") => {
                    &mut (*head).cookie_field
                }
                _ if name.eq_ignore_ascii_case(b"authorization") => {
                    &mut (*head).authorization_field
                }
                _ => continue,
            }
        };
        let repeated = i > 0 && name_of(&fields[i - 1]).eq_ignore_ascii_case(name);
        if !repeated {
            *index = i as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    struct Head {
        head: nxt_unit_request_t,
        fields: [nxt_unit_field_t; 7],
        text: [u8; 256],
    }

    #[test]
    fn well_known_names_have_their_hashes() {
        assert_eq!(field_hash(b"Content-Length"), NXT_UNIT_HASH_CONTENT_LENGTH);
        assert_eq!(field_hash(b"content-type"), NXT_UNIT_HASH_CONTENT_TYPE);
        assert_eq!(field_hash(b"COOKIE"), NXT_UNIT_HASH_COOKIE);
    }

    #[test]
    fn duplicates_come_together_in_their_order() {
        let input = [
            ("X-A", "1"),
            ("Cookie", "a=1"),
            ("x-a", "2"),
            ("X-B", "3"),
            ("COOKIE", "b=2"),
            ("Content-Type", "text/plain"),
            ("X-A", "4"),
        ];
        // SAFETY: plain integers, for which zero is a value.
        let mut head: Box<Head> = Box::new(unsafe { std::mem::zeroed() });
        head.head.fields_count = 7;
        let mut at = 0;
        let mut put = |text: &mut [u8; 256], s: &str| {
            text[at..at + s.len()].copy_from_slice(s.as_bytes());
            at += s.len();
            text[at - s.len()..].as_ptr().cast::<c_char>()
        };
        for (i, (name, value)) in input.iter().enumerate() {
            let (n, v) = (put(&mut head.text, name), put(&mut head.text, value));
            let field = &mut head.fields[i];
            field.hash = field_hash(name.as_bytes());
            field.name_length = name.len() as u8;
            field.value_length = value.len() as u32;
            // SAFETY: both lie behind the fields in one allocation.
            unsafe {
                nxt_unit_sptr_t::point(&mut field.name, n);
                nxt_unit_sptr_t::point(&mut field.value, v);
            }
        }
        // SAFETY: the structure is laid out as a request head.
        let got: Vec<(String, String)> = unsafe {
            let start = (&raw mut *head).cast::<nxt_unit_request_t>();
            group_duplicate_fields(start);
            let text = |p: &nxt_unit_sptr_t, len: usize| {
                let bytes = std::slice::from_raw_parts(nxt_unit_sptr_t::target(p).cast(), len);
                String::from_utf8_lossy(bytes).into_owned()
            };
            fields(start)
                .iter()
                .map(|f| {
                    (
                        text(&f.name, f.name_length.into()),
                        text(&f.value, f.value_length as usize),
                    )
                })
                .collect()
        };
        let expected = [
            ("X-A", "1"),
            ("X-A", "2"),
            ("X-A", "4"),
            ("Cookie", "a=1"),
            ("Cookie", "b=2"),
            ("X-B", "3"),
            ("Content-Type", "text/plain"),
        ];
        let got: Vec<_> = got.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(got, expected);
        assert_eq!(
            (head.head.cookie_field, head.head.content_type_field),
            (3, 6)
        );
    }
}
