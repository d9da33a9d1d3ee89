//! Safe wrappers of the kernel.
