using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// How much of a zone should stay free, in frames (Linux's formulas). Below <see cref="High"/> cores take half batches for their lists, below
/// <see cref="Low"/> single blocks: what is short should not lie about.
/// </summary>
/// <param name="Min">The square root of 16 times the zone's KiB, in KiB, between 128 KiB and 256 MiB.</param>
/// <param name="Low">Min and the larger of a quarter of it and a thousandth of the zone.</param>
/// <param name="High">Low and the same again.</param>
internal readonly record struct Watermarks(ulong Min, ulong Low, ulong High)
{
    /// <summary>The marks of a zone.</summary>
    /// <param name="frames">Frames of the zone.</param>
    public static Watermarks For(ulong frames)
    {
        const ulong FrameKib = Pfn.FrameBytes >> 10;
        ulong minKib = Math.Clamp((ulong)Math.Sqrt(frames * FrameKib * 16), 128, 262144);
        ulong min = minKib / FrameKib;
        ulong step = Math.Max(min / 4, frames * 10 / 10000);
        return new Watermarks(min, min + step, min + (2 * step));
    }
}
