//! The exchange of requests with an application that lives in the test.
