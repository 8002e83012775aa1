using NativeMm.Diagnostics;

namespace NativeMm.Reporting;

/// <summary>
/// The largest and the smallest of the values that were seen within some time. Values that come closer together than a part of that time share
/// a bucket, which is forgotten with its last value: so it keeps few more than <see cref="Buckets"/> of them, however often it is asked,
/// and remembers a value for up to one part longer. Not thread-safe; no clock of its own.
/// </summary>
/// <param name="length">How long a value counts.</param>
internal sealed class SlidingRange(TimeSpan length)
{
    /// <summary>Parts of the time that share a bucket each.</summary>
    public const int Buckets = 64;

    private readonly TimeSpan _part = length / Buckets;
    private readonly Queue<Bucket> _closed = [];
    private Bucket _open = new(TimeSpan.MinValue, TimeSpan.MinValue, 0, ulong.MaxValue);

    /// <summary>Largest value.</summary>
    public ulong Most { get; private set; }

    /// <summary>Smallest value.</summary>
    public ulong Least { get; private set; }

    /// <summary>Buckets that it keeps at this moment.</summary>
    internal int Count => _closed.Count + 1;

    /// <summary>Takes note of a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="now">The time, from any beginning; never less than before.</param>
    public void Add(ulong value, TimeSpan now)
    {
        Invariant.Assert(now >= _open.Last, $"A value of {now} comes after one of {_open.Last}.");
        if (now - _part <= _open.First)
        {
            _open = new Bucket(_open.First, now, Math.Max(_open.Most, value), Math.Min(_open.Least, value));
        }
        else
        {
            _closed.Enqueue(_open);
            _open = new Bucket(now, now, value, value);
        }

        while (_closed.TryPeek(out Bucket oldest) && oldest.Last < now - length)
        {
            _closed.Dequeue();
        }

        Invariant.Assert(Count <= Buckets + 2, $"{Count} buckets are kept of {Buckets}.");
        Most = _open.Most;
        Least = _open.Least;
        foreach (Bucket bucket in _closed)
        {
            Most = Math.Max(Most, bucket.Most);
            Least = Math.Min(Least, bucket.Least);
        }
    }

    private readonly record struct Bucket(TimeSpan First, TimeSpan Last, ulong Most, ulong Least);
}
