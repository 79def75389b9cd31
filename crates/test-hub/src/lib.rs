//! A model hub on the loopback interface that misbehaves on request.
