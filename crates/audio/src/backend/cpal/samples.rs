//! Between a device's samples and ours. Runs on the device's thread: the only buffer is made before.

use cpal::{Data, FromSample, I24, Sample, SampleFormat, SizedSample, U24};

use crate::stream::LARGEST_BLOCK_SAMPLES;

/// The largest number below 1. Integers have no 1, and cpal 0.18.2 makes one of 24 bits out of it all the same, which the
/// device takes for -1.
const LOUDEST: f32 = 1.0 - f32::EPSILON / 2.0;

/// Converts blocks of one stream.
pub(super) struct Conversion {
    sample_format: SampleFormat,
    /// As many whole places (a sample of each channel) as the longest block has; longer ones come in pieces.
    scratch: Vec<f32>,
}

/// Calls a generic method for the type behind a sample format.
macro_rules! for_format {
    ($format:expr, $call:ident, $self:ident, $data:expr, $callback:expr) => {
        match $format {
            SampleFormat::I8 => $self.$call::<i8>($data, $callback),
            SampleFormat::I16 => $self.$call::<i16>($data, $callback),
            SampleFormat::I24 => $self.$call::<I24>($data, $callback),
            SampleFormat::I32 => $self.$call::<i32>($data, $callback),
            SampleFormat::I64 => $self.$call::<i64>($data, $callback),
            SampleFormat::U8 => $self.$call::<u8>($data, $callback),
            SampleFormat::U16 => $self.$call::<u16>($data, $callback),
            SampleFormat::U24 => $self.$call::<U24>($data, $callback),
            SampleFormat::U32 => $self.$call::<u32>($data, $callback),
            SampleFormat::U64 => $self.$call::<u64>($data, $callback),
            SampleFormat::F64 => $self.$call::<f64>($data, $callback),
            _ => {}
        }
    };
}

impl Conversion {
    /// `None` for a format that is no linear PCM, such as DSD.
    pub(super) fn new(sample_format: SampleFormat, channels: u16) -> Option<Self> {
        let is_pcm = sample_format.is_int() || sample_format.is_uint() || sample_format.is_float();
        let scratch = vec![0.0; LARGEST_BLOCK_SAMPLES * usize::from(channels.max(1))];
        is_pcm.then_some(Self { sample_format, scratch })
    }

    pub(super) fn sample_format(&self) -> SampleFormat {
        self.sample_format
    }

    /// Hands what a device recorded to `callback`.
    pub(super) fn read(&mut self, data: &Data, mut callback: impl FnMut(&[f32])) {
        match data.as_slice::<f32>() {
            Some(block) => callback(block),
            None => for_format!(self.sample_format, read_as, self, data, callback),
        }
    }

    /// Fills what a device will play from `callback`.
    pub(super) fn write(&mut self, data: &mut Data, mut callback: impl FnMut(&mut [f32])) {
        match data.as_slice_mut::<f32>() {
            Some(block) => callback(block),
            None => for_format!(self.sample_format, write_as, self, data, callback),
        }
    }

    fn read_as<T: SizedSample>(&mut self, data: &Data, mut callback: impl FnMut(&[f32]))
    where
        f32: FromSample<T>,
    {
        for piece in data.as_slice::<T>().unwrap_or(&[]).chunks(self.scratch.len()) {
            for (ours, theirs) in self.scratch.iter_mut().zip(piece) {
                *ours = f32::from_sample(*theirs);
            }
            if let Some(block) = self.scratch.get(..piece.len()) {
                callback(block);
            }
        }
    }

    fn write_as<T: SizedSample + FromSample<f32>>(&mut self, data: &mut Data, mut callback: impl FnMut(&mut [f32])) {
        for piece in data.as_slice_mut::<T>().unwrap_or(&mut []).chunks_mut(self.scratch.len()) {
            let Some(block) = self.scratch.get_mut(..piece.len()) else { return };
            callback(block);
            for (theirs, ours) in piece.iter_mut().zip(block) {
                let sample = if ours.is_nan() { 0.0 } else { ours.clamp(-1.0, LOUDEST) };
                *theirs = T::from_sample(sample);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cpal::{Data, I24, SampleFormat};

    use super::Conversion;

    fn data<T: cpal::SizedSample>(samples: &mut [T]) -> Data {
        // SAFETY: the slice lives as long as the test uses the data, and has the type that is named.
        unsafe { Data::from_parts(samples.as_mut_ptr().cast(), samples.len(), T::FORMAT) }
    }

    #[test]
    fn integers_are_read_at_their_scale() {
        let mut heard = Vec::new();
        let mut conversion = Conversion::new(SampleFormat::I16, 1).unwrap();
        conversion.read(&data(&mut [0_i16, 16_384, -32_768]), |block| heard.extend_from_slice(block));
        let mut conversion = Conversion::new(SampleFormat::U16, 1).unwrap();
        conversion.read(&data(&mut [32_768_u16, 0]), |block| heard.extend_from_slice(block));
        let mut conversion = Conversion::new(SampleFormat::I32, 1).unwrap();
        conversion.read(&data(&mut [1_i32 << 30]), |block| heard.extend_from_slice(block));
        let mut conversion = Conversion::new(SampleFormat::F32, 1).unwrap();
        conversion.read(&data(&mut [0.25_f32]), |block| heard.extend_from_slice(block));
        assert_eq!(heard, [0.0, 0.5, -1.0, 0.0, -1.0, 0.5, 0.25]);
    }

    fn played<T: cpal::SizedSample>() -> [T; 4] {
        let mut conversion = Conversion::new(T::FORMAT, 1).unwrap();
        let mut played = [T::EQUILIBRIUM; 4];
        conversion.write(&mut data(&mut played), |block| block.copy_from_slice(&[2.0, -2.0, f32::NAN, 0.5]));
        played
    }

    #[test]
    fn what_is_too_loud_or_no_number_does_not_wrap_around() {
        assert_eq!(played::<i8>(), [i8::MAX, i8::MIN, 0, 64]);
        assert_eq!(played::<i16>(), [i16::MAX, i16::MIN, 0, 16_384]);
        assert_eq!(played::<I24>().map(I24::inner), [(1 << 23) - 1, -(1 << 23), 0, 1 << 22]);
        assert_eq!(played::<i32>(), [i32::MAX - 127, i32::MIN, 0, 1 << 30]);
        assert_eq!(played::<u8>(), [u8::MAX, u8::MIN, 128, 192]);
        assert_eq!(played::<u16>(), [u16::MAX, u16::MIN, 1 << 15, 49_152]);
        assert_eq!(played::<u32>(), [u32::MAX - 127, u32::MIN, 1 << 31, 3 << 30]);
    }

    #[test]
    fn a_block_beyond_the_longest_comes_in_whole_places() {
        let mut conversion = Conversion::new(SampleFormat::I16, 3).unwrap();
        let mut recorded = vec![1_i16; 3 * 10_000];
        let mut pieces = Vec::new();
        conversion.read(&data(&mut recorded), |block| pieces.push(block.len()));
        assert_eq!(pieces, [3 * 4_096, 3 * 4_096, 3 * 1_808]);
    }

    #[test]
    fn what_is_no_pcm_is_refused() {
        assert!(Conversion::new(SampleFormat::DsdU8, 2).is_none());
    }
}
