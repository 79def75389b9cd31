//! stub
use crate::{device::*, device_error::DeviceError};
#[derive(Debug)]
pub enum AudioEvent {
    Opened { direction: Direction, device: DeviceInfo, format: StreamFormat },
    Failed { direction: Direction, error: DeviceError },
}
