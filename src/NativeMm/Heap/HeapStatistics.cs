using System.Globalization;
using System.Text;

namespace NativeMm.Heap;

/// <summary>Where the bytes of one heap are.</summary>
public sealed record HeapStatistics
{
    /// <summary>The heap's name.</summary>
    public required string Name { get; init; }

    /// <summary>The classes that have slabs, smallest first.</summary>
    public required IReadOnlyList<HeapClassStatistics> Classes { get; init; }

    /// <summary>How often the lock of any class was taken since the heap was made, also of classes that have no slab any more.</summary>
    public required long LockAcquisitions { get; init; }

    /// <summary>How often that meant waiting.</summary>
    public required long LockContentions { get; init; }

    /// <summary>Live blocks above all classes.</summary>
    public required long LargeBlocks { get; init; }

    /// <summary>Bytes of those, in whole pages.</summary>
    public required ulong LargeBytes { get; init; }

    /// <summary>Bytes of freed large blocks that are kept mapped for reuse.</summary>
    public required ulong LargeRetainedBytes { get; init; }

    /// <summary>Live blocks that have a guarded page of their own (<see cref="Sampled.SampledOptions"/>).</summary>
    public required long GuardedBlocks { get; init; }

    /// <summary>Bytes of those pages.</summary>
    public required ulong GuardedBytes { get; init; }

    /// <summary>Bytes of the heap's own thread caches.</summary>
    public required ulong MetadataBytes { get; init; }

    /// <summary>Thread caches that exist.</summary>
    public required int ThreadCaches { get; init; }

    /// <summary>Thread caches that were taken over from threads that died, since the start.</summary>
    public required long ThreadCachesAdopted { get; init; }

    /// <summary>What the checked mode holds; null where the heap is not in it.</summary>
    public Checked.CheckedStatistics? Checked { get; init; }

    /// <summary>Bytes in the hands of the program, in block sizes.</summary>
    public ulong LiveBytes => Sum(static c => (ulong)c.LiveBlocks * c.BlockBytes) + LargeBytes + GuardedBytes;

    /// <summary>Bytes of free blocks that thread caches and depots keep, and of retained large blocks.</summary>
    public ulong CachedBytes => Sum(static c => (ulong)c.CachedBlocks * c.BlockBytes) + LargeRetainedBytes;

    /// <summary>Bytes of free blocks in slabs that are partly in use.</summary>
    public ulong FreeBytes => Sum(static c => (ulong)c.FreeBlocks * c.BlockBytes);

    /// <summary>Bytes of all slabs.</summary>
    public ulong SlabBytes => Sum(static c => c.SlabBytes);

    /// <summary>The heap in a few lines: its bytes, and a row for each class.</summary>
    /// <returns>Several lines, with a fixed format that no culture changes.</returns>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Heap '{Name}': {LiveBytes:N0} bytes live, {CachedBytes:N0} cached, {FreeBytes:N0} free in {SlabBytes:N0} of slabs; ");
        text.Append(CultureInfo.InvariantCulture, $"{LargeBlocks:N0} large blocks of {LargeBytes:N0} bytes, {GuardedBlocks:N0} guarded of {GuardedBytes:N0}; ");
        text.Append(CultureInfo.InvariantCulture, $"{ThreadCaches} thread caches of {MetadataBytes:N0} bytes; ");
        text.Append(CultureInfo.InvariantCulture, $"{LockAcquisitions:N0} locks, {LockContentions:N0} waits");
        foreach (HeapClassStatistics row in Classes)
        {
            text.AppendLine();
            text.Append(CultureInfo.InvariantCulture, $"  {row.BlockBytes,9:N0} bytes: {row.LiveBlocks:N0} live, {row.CachedBlocks:N0} cached, {row.FreeBlocks:N0} free, {row.Slabs:N0} slabs, {row.LockAcquisitions:N0} locks, {row.LockContentions:N0} waits");
        }

        return text.ToString();
    }

    private ulong Sum(Func<HeapClassStatistics, ulong> part)
    {
        ulong sum = 0;
        foreach (HeapClassStatistics row in Classes)
        {
            sum += part(row);
        }

        return sum;
    }
}
