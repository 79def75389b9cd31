//! A live stream from one sample rate to another, at a ratio that can follow a drifting clock. Mono only; rubato's "frame"
//! is our sample.
//!
//! The caller asks for a number of output samples and is told how many input samples that takes:
//! nothing waits in here but the filter's own half. Nothing is allocated after creation. Whole
//! recordings have [`crate::resample`].

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler, ResamplerConstructionError, Resizable, SincInterpolationParameters,
    SincInterpolationType, WindowFunction,
};

use crate::frame::SAMPLE_RATE_HZ;

/// How long the filter is, in seconds, at any rate; it delays by half of that. Both ways together make 4.6 ms, and 4.8 ms
/// with the taps rounded up: within the 5 ms that the latency budget leaves.
const FILTER_SECONDS: f64 = 0.0046;

/// Half the main lobe of the Blackman-Harris window: four bins. Beyond it lies nothing above −92 dB.
/// Source: F. J. Harris, "On the Use of Windows for Harmonic Analysis with the Discrete Fourier Transform", 1978, table 1.
const HALF_LOBE_BINS: f64 = 4.0;

/// How far inside of the transition band the lower Nyquist frequency lies, in half lobes from its middle.
/// With 0.95 that middle is at 11,186 Hz and half a lobe is 857 Hz: 10 kHz pass, and nothing above 12,043 Hz folds back.
const HALF_LOBES_TO_NYQUIST: f64 = 0.95;

/// The least part of the lower Nyquist frequency that passes: a telephone's 8 kHz would lose its consonants otherwise.
/// What leaks for it are images of tones just below 4 kHz; at 4.4 kHz they are gone.
const LEAST_CUTOFF: f64 = 0.9;

/// Points of the filter's curve between two taps; a cubic through four of them is 110 dB off at most (`resampler_tests.rs`).
const OVERSAMPLING: usize = 64;

/// The farthest that the ratio may be moved: twice the drift that we correct.
const MOST_DRIFT: f64 = 1.001;

/// Resamples one live stream.
pub(crate) struct StreamResampler {
    filter: Async<f32>,
    input: Vec<f32>,
    delay_samples: f64,
    most_output: usize,
}

impl StreamResampler {
    /// A resampler that gives at most `most_output` samples at once.
    pub(crate) fn new(from_hz: u32, to_hz: u32, most_output: usize) -> Result<Self, ResamplerConstructionError> {
        let (from, to) = (f64::from(from_hz), f64::from(to_hz));
        let taps = (from * FILTER_SECONDS).ceil() as usize;
        let taps = taps.next_multiple_of(8); // as rubato rounds
        let half_lobe_hz = HALF_LOBE_BINS * from / taps as f64;
        let nyquist_hz = from.min(to) / 2.0;
        let cutoff = (1.0 - HALF_LOBES_TO_NYQUIST * half_lobe_hz / nyquist_hz).max(LEAST_CUTOFF);
        let parameters = SincInterpolationParameters {
            sinc_len: taps,
            f_cutoff: Some(cutoff as f32),
            oversampling_factor: OVERSAMPLING,
            interpolation: SincInterpolationType::Cubic,
            window: WindowFunction::BlackmanHarris,
        };
        let most_output = most_output.max(1);
        let filter = Async::new_sinc(to / from, MOST_DRIFT, &parameters, most_output, 1, FixedAsync::Output)?;
        let input = vec![0.0; filter.input_frames_max() + taps];
        // The filter's half, less the sample of output that rubato is ahead.
        let delay_samples = taps as f64 / 2.0 - from / to;
        Ok(Self { filter, input, delay_samples, most_output })
    }

    /// From a device to the engine, in slices.
    pub(crate) fn to_engine(from_hz: u32) -> Result<Self, ResamplerConstructionError> {
        Self::new(from_hz, SAMPLE_RATE_HZ, super::SLICE_SAMPLES)
    }

    /// From the engine to a device, at most a slice at once.
    pub(crate) fn to_device(to_hz: u32) -> Result<Self, ResamplerConstructionError> {
        Self::new(SAMPLE_RATE_HZ, to_hz, (to_hz as usize).div_ceil(100))
    }

    /// The most samples that [`process`](Self::process) gives.
    pub(crate) fn most_output(&self) -> usize {
        self.most_output
    }

    /// How many input samples `output` samples take now.
    pub(crate) fn wanted(&mut self, output: usize) -> usize {
        // Fails only for 0 and above `most_output`, where the old length stays.
        let _ = self.filter.set_chunk_size(output.clamp(1, self.most_output));
        self.filter.input_frames_next()
    }

    /// How much more slowly the input runs than its nominal rate says, as a part: 0.0001 gives 0.01 % more output.
    pub(crate) fn set_stretch(&mut self, stretch: f64) {
        // Fails only outside of `MOST_DRIFT`, where the old ratio stays; the drift loop is clamped to half of it.
        let _ = self.filter.set_resample_ratio_relative(1.0 + stretch, false);
    }

    /// Fills `output`, of at most [`most_output`](Self::most_output) samples, from [`wanted`](Self::wanted) input samples.
    ///
    /// `read` is called once, with the place for exactly these.
    pub(crate) fn process(&mut self, output: &mut [f32], read: impl FnOnce(&mut [f32])) {
        let wanted = self.wanted(output.len());
        let samples = output.len();
        if let Some(input) = self.input.get_mut(..wanted) {
            read(input);
            if let (Ok(from), Ok(mut to)) =
                (InterleavedSlice::new(&*input, 1, wanted), InterleavedSlice::new_mut(output, 1, samples))
                && self.filter.process_into_buffer(&from, &mut to, None).is_ok()
            {
                return;
            }
        }
        output.fill(0.0);
    }

    /// How far the output lags behind the input, in samples of the input.
    pub(crate) fn delay_samples(&self) -> f64 {
        self.delay_samples
    }

    /// As new.
    pub(crate) fn reset(&mut self) {
        self.filter.reset();
    }
}
