//! Real sound devices, through cpal: CoreAudio on macOS, PipeWire on Linux, ALSA where there is no PipeWire.
//!
//! A device is opened exactly as it runs: to ask CoreAudio for another rate would change the hardware for every program
//! (cpal 0.18.2 `src/host/coreaudio/macos/device.rs`, `set_physical_format`). Devices are opened by their id, also the
//! default one, because a stream that CoreAudio moves by itself keeps a rate that no longer fits. PipeWire is the exception:
//! it does not say which device is its default, but moves and resamples without a seam.

mod errors;
mod listing;
#[cfg(target_os = "linux")]
mod older_pipewire;
mod samples;

use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{BufferSize, HostId, StreamConfig, SupportedBufferSize, SupportedStreamConfig};

use self::listing::Listed;
use self::samples::Conversion;
use super::{Backend, FaultSink, OpenStream};
use crate::device::{DeviceId, DeviceInfo, Direction, StreamFormat};
use crate::device_error::{DeviceError, DeviceErrorKind};
use crate::stream::{MicCallback, SpeakerCallback};

/// How long a device may take to open. A Bluetooth headset that changes to telephone quality takes a second or two.
const OPENING: Duration = Duration::from_secs(4);

/// cpal's PipeWire host knows the devices of the moment when it was made, so it is made anew: at most this often for a list
/// that somebody waits for, …
const FRESH: Duration = Duration::from_millis(200);

/// … and this often while all is well: then the streams themselves report what happens.
const FRESH_ENOUGH: Duration = Duration::from_secs(5);

/// The sound devices of this machine.
pub struct CpalBackend {
    service: Service,
    /// PipeWire's host and when it was made; `None` while it does not answer. Others never change.
    host: Option<(cpal::Host, Instant)>,
    /// What ALSA's devices were found to run at. To ask again would mean to open them again, which fails while we play.
    known: Vec<(DeviceId, Direction, SupportedStreamConfig)>,
}

/// Who provides the devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each system has only some of them")]
enum Service {
    CoreAudio,
    PipeWire,
    Alsa,
}

impl Service {
    #[cfg(target_os = "linux")]
    fn of(host: &cpal::Host) -> Self {
        if host.id() == HostId::PipeWire { Self::PipeWire } else { Self::Alsa }
    }

    #[cfg(not(target_os = "linux"))]
    fn of(_: &cpal::Host) -> Self {
        Self::CoreAudio
    }

    fn name(self) -> &'static str {
        match self {
            Self::CoreAudio => "CoreAudio",
            Self::PipeWire => "PipeWire",
            Self::Alsa => "ALSA",
        }
    }

    /// The block that we ask for. CoreAudio gives 10 ms to anybody. PipeWire rounds to powers of two, and both it and ALSA
    /// lose sound without a word below 1,024 samples at 48 kHz on a machine under load (measured, cpal 0.18.2).
    fn block_samples(self, rate_hz: u32) -> u32 {
        match self {
            Self::CoreAudio => rate_hz / 100,
            Self::PipeWire | Self::Alsa => (rate_hz / 47).next_power_of_two(),
        }
    }
}

struct Stream {
    _stream: cpal::Stream,
}

impl OpenStream for Stream {}

impl Default for CpalBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl CpalBackend {
    /// Connects to the system's sound service.
    pub fn new() -> Self {
        #[cfg(target_os = "linux")]
        older_pipewire::prepare();
        let host = cpal::default_host();
        Self { service: Service::of(&host), host: Some((host, Instant::now())), known: Vec::new() }
    }

    /// The host, made anew if it can be out of date.
    fn host(&mut self, max_age: Duration) -> Result<&cpal::Host, DeviceError> {
        let is_stale = match &self.host {
            None => true,
            Some((_, made_at)) => self.service == Service::PipeWire && made_at.elapsed() > max_age,
        };
        if is_stale {
            // The new one before the old one goes: between them, libpipewire would be unloaded and loaded.
            self.host = reconnect().map(|host| (host, Instant::now()));
        }
        match &self.host {
            Some((host, _)) => Ok(host),
            None => Err(DeviceError::no_service(self.service.name())),
        }
    }

    fn listed(&mut self, max_age: Duration) -> Result<Vec<Listed>, DeviceError> {
        let service = self.service;
        let host = self.host(max_age)?;
        listing::list(host, service).map_err(|error| errors::of_service(&error, service.name()))
    }

    fn find(&mut self, id: &DeviceId, direction: Direction, max_age: Duration) -> Result<Listed, DeviceError> {
        let all = self.listed(max_age)?;
        let found = all.into_iter().find(|listed| listed.info.direction == direction && listed.info.id == *id);
        found.ok_or_else(|| DeviceError::about(DeviceErrorKind::Lost, direction, &id.0))
    }

    fn config(&mut self, listed: &Listed) -> Result<SupportedStreamConfig, DeviceError> {
        let DeviceInfo { id, direction, name, .. } = &listed.info;
        let known = self.known.iter().find(|(known, way, _)| known == id && way == direction);
        if let Some((_, _, config)) = known {
            return Ok(*config);
        }
        let config = match direction {
            _ if self.service == Service::Alsa => listing::alsa_config(&listed.device, *direction),
            Direction::Input => listed.device.default_input_config(),
            Direction::Output => listed.device.default_output_config(),
        };
        let config = config.map_err(|error| errors::of_device(&error, *direction, name, self.service.name()))?;
        if self.service == Service::Alsa {
            self.known.push((id.clone(), *direction, config));
        }
        Ok(config)
    }

    /// A device and how to open it, if it still runs as it is believed to.
    fn prepare(
        &mut self,
        id: &DeviceId,
        direction: Direction,
        format: StreamFormat,
    ) -> Result<(Listed, StreamConfig, Conversion), DeviceError> {
        let listed = self.find(id, direction, FRESH_ENOUGH)?;
        let config = self.config(&listed)?;
        let about = |kind| DeviceError::about(kind, direction, &listed.info.name);
        if config.sample_rate() != format.rate_hz || config.channels() != format.channels {
            // It changed a moment ago; the supervisor looks again.
            return Err(about(DeviceErrorKind::Lost));
        }
        let conversion = Conversion::new(config.sample_format(), config.channels())
            .ok_or_else(|| about(DeviceErrorKind::UnsupportedFormat))?;
        let buffer_size = format.block_samples.map_or(BufferSize::Default, BufferSize::Fixed);
        let config = StreamConfig { channels: config.channels(), sample_rate: config.sample_rate(), buffer_size };
        Ok((listed, config, conversion))
    }

    fn start(
        &mut self,
        built: Result<cpal::Stream, cpal::Error>,
        listed: &Listed,
    ) -> Result<Box<dyn OpenStream>, DeviceError> {
        let started = built.and_then(|stream| {
            stream.play()?;
            Ok(stream)
        });
        match started {
            Ok(stream) => Ok(Box::new(Stream { _stream: stream })),
            Err(error) => {
                let DeviceInfo { id, direction, name, .. } = &listed.info;
                self.known.retain(|(known, way, _)| known != id || way != direction);
                Err(errors::of_device(&error, *direction, name, self.service.name()))
            }
        }
    }
}

/// Connects to the sound service again; `None` while it does not answer.
fn reconnect() -> Option<cpal::Host> {
    #[cfg(target_os = "macos")]
    let service = HostId::CoreAudio;
    #[cfg(target_os = "linux")]
    let service = HostId::PipeWire;
    cpal::host_from_id(service).ok()
}

impl Backend for CpalBackend {
    fn name(&self) -> &'static str {
        self.service.name()
    }

    fn devices(&mut self) -> Result<Vec<DeviceInfo>, DeviceError> {
        Ok(self.listed(FRESH)?.into_iter().map(|listed| listed.info).collect())
    }

    fn default_device(&mut self, direction: Direction) -> Option<DeviceId> {
        let service = self.service;
        let host = self.host(FRESH_ENOUGH).ok()?;
        listing::default_device(host, service, direction)
    }

    fn current_format(&mut self, device: &DeviceId, direction: Direction) -> Result<StreamFormat, DeviceError> {
        let listed = self.find(device, direction, FRESH_ENOUGH)?;
        let config = self.config(&listed)?;
        let wanted = self.service.block_samples(config.sample_rate());
        let is_offered = match config.buffer_size() {
            SupportedBufferSize::Range { min, max } => (*min..=*max).contains(&wanted),
            SupportedBufferSize::Unknown => false,
        };
        Ok(StreamFormat {
            rate_hz: config.sample_rate(),
            channels: config.channels(),
            block_samples: is_offered.then_some(wanted),
        })
    }

    fn open_input(
        &mut self,
        device: &DeviceId,
        format: StreamFormat,
        mut callback: MicCallback,
        faults: FaultSink,
    ) -> Result<Box<dyn OpenStream>, DeviceError> {
        let (listed, config, mut conversion) = self.prepare(device, Direction::Input, format)?;
        let built = listed.device.build_input_stream_raw(
            config,
            conversion.sample_format(),
            move |data, _| conversion.read(data, |block| callback.on_input(block, config.channels)),
            errors::sink(faults),
            Some(OPENING),
        );
        self.start(built, &listed)
    }

    fn open_output(
        &mut self,
        device: &DeviceId,
        format: StreamFormat,
        mut callback: SpeakerCallback,
        faults: FaultSink,
    ) -> Result<Box<dyn OpenStream>, DeviceError> {
        let (listed, config, mut conversion) = self.prepare(device, Direction::Output, format)?;
        let built = listed.device.build_output_stream_raw(
            config,
            conversion.sample_format(),
            move |data, _| conversion.write(data, |block| callback.on_output(block, config.channels)),
            errors::sink(faults),
            Some(OPENING),
        );
        self.start(built, &listed)
    }
}
