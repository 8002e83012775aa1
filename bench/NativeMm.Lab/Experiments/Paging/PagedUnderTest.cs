using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Paging;

/// <summary>A memory larger than what of it may be resident. For one thread.</summary>
internal abstract class PagedUnderTest : IDisposable
{
    /// <summary>Reads a page.</summary>
    /// <param name="page">Its number.</param>
    /// <param name="destination">Room for it.</param>
    public abstract void Read(int page, Span<byte> destination);

    /// <summary>Writes a page.</summary>
    public abstract void Write(int page, ReadOnlySpan<byte> source);

    /// <summary>What is counted counts from here on.</summary>
    public abstract void BeginCounting();

    /// <summary>Adds what was counted.</summary>
    /// <param name="measurement">Where to.</param>
    /// <param name="operations">Reads since then.</param>
    public abstract void AddTo(Measurement measurement, long operations);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Adds the share of reads that found their page.</summary>
    protected static void AddHitRate(Measurement measurement, double misses, long operations) =>
        measurement.Add("hit_rate", 100 * Math.Max(0, 1 - (misses / operations)));
}
