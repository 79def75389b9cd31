//! cpal's errors in our words.

use cpal::ErrorKind;

use crate::backend::{FaultSink, StreamFault};
use crate::device::Direction;
use crate::device_error::{DeviceError, DeviceErrorKind};

/// What a device that was asked or opened answered.
pub(super) fn of_device(error: &cpal::Error, direction: Direction, name: &str, service: &str) -> DeviceError {
    let kind = match error.kind() {
        ErrorKind::DeviceNotAvailable => DeviceErrorKind::Lost,
        ErrorKind::DeviceBusy => DeviceErrorKind::Busy,
        ErrorKind::PermissionDenied => DeviceErrorKind::PermissionDenied,
        // How cpal says that PipeWire is not there at all (`host/pipewire/device.rs`).
        ErrorKind::UnsupportedConfig if error.message().is_some_and(|text| text.contains("connection failed")) => {
            return DeviceError::no_service(service);
        }
        ErrorKind::UnsupportedConfig | ErrorKind::UnsupportedOperation | ErrorKind::InvalidInput => {
            DeviceErrorKind::UnsupportedFormat
        }
        ErrorKind::HostUnavailable => return DeviceError::no_service(service),
        _ => DeviceErrorKind::Backend,
    };
    tracing::debug!(%error, name, "cpal refused");
    DeviceError::about(kind, direction, name)
}

/// What the service itself answered.
pub(super) fn of_service(error: &cpal::Error, service: &str) -> DeviceError {
    tracing::debug!(%error, "cpal cannot list devices");
    DeviceError::no_service(service)
}

/// Passes a stream's errors on. Runs on any thread, the real-time one included, up to 20,000 times a second.
pub(super) fn sink(mut faults: FaultSink) -> impl FnMut(cpal::Error) + Send + 'static {
    move |error| faults(fault(error.kind()))
}

fn fault(kind: ErrorKind) -> StreamFault {
    match kind {
        ErrorKind::DeviceNotAvailable => StreamFault::DeviceLost,
        ErrorKind::DeviceChanged => StreamFault::Rerouted,
        ErrorKind::Xrun => StreamFault::Xrun,
        // PipeWire reports a format that it could not agree on as the second, and stops the stream. After the others,
        // opening it again brings the error that says what is wrong.
        ErrorKind::StreamInvalidated
        | ErrorKind::UnsupportedConfig
        | ErrorKind::HostUnavailable
        | ErrorKind::PermissionDenied
        | ErrorKind::DeviceBusy => StreamFault::Invalidated,
        // A dead ALSA device reports `BackendError` without end: many of these make a storm.
        _ => StreamFault::Other,
    }
}

#[cfg(test)]
mod tests {
    use cpal::{Error, ErrorKind};

    use super::{fault, of_device};
    use crate::backend::StreamFault;
    use crate::device::Direction;
    use crate::device_error::DeviceErrorKind;

    #[test]
    fn every_refusal_has_its_own_sentence() {
        let say = |error: &Error| of_device(error, Direction::Input, "USB", "PipeWire");
        for (kind, ours, begins) in [
            (ErrorKind::DeviceNotAvailable, DeviceErrorKind::Lost, "the microphone \"USB\" is gone"),
            (ErrorKind::DeviceBusy, DeviceErrorKind::Busy, "another program has the microphone \"USB\""),
            (ErrorKind::PermissionDenied, DeviceErrorKind::PermissionDenied, "the system does not let Moshibar use"),
            (
                ErrorKind::UnsupportedConfig,
                DeviceErrorKind::UnsupportedFormat,
                "the microphone \"USB\" runs in a format",
            ),
            (ErrorKind::HostUnavailable, DeviceErrorKind::Backend, "the sound service PipeWire does not answer"),
            (ErrorKind::Other, DeviceErrorKind::Backend, "the system's sound service failed with the microphone"),
        ] {
            let error = say(&Error::new(kind));
            assert_eq!(error.kind, ours, "{kind:?}");
            assert!(error.message.starts_with(begins), "{}", error.message);
        }
        let unconnected = Error::with_message(ErrorKind::UnsupportedConfig, "PipeWire stream connection failed: no");
        assert_eq!(say(&unconnected).kind, DeviceErrorKind::Backend);
    }

    #[test]
    fn what_ends_a_stream_is_told_from_what_does_not() {
        for (kind, ours) in [
            (ErrorKind::DeviceNotAvailable, StreamFault::DeviceLost),
            (ErrorKind::StreamInvalidated, StreamFault::Invalidated),
            (ErrorKind::DeviceChanged, StreamFault::Rerouted),
            (ErrorKind::Xrun, StreamFault::Xrun),
            (ErrorKind::BackendError, StreamFault::Other),
            (ErrorKind::RealtimeDenied, StreamFault::Other),
        ] {
            assert_eq!(fault(kind), ours, "{kind:?}");
        }
    }
}
