//! stub
/// Echo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EchoMode {
    #[default]
    Auto,
    On,
    Off,
}
impl crate::port::Controls {
    /// x
    pub fn set_echo(&self, _: EchoMode) {}
}
