using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Faults;

/// <summary>Something that maps areas whose pages come when they are first written. Thread-safe. A call costs little beside a fault.</summary>
internal abstract class SpaceUnderTest : IDisposable
{
    /// <summary>Maps an area.</summary>
    /// <param name="bytes">Its length, whole pages.</param>
    /// <param name="isHuge">Whether pages of 2 MiB are wanted.</param>
    /// <returns>Its first address.</returns>
    public abstract long Map(long bytes, bool isHuge = false);

    /// <summary>Unmaps a whole area.</summary>
    public abstract void Unmap(long address, long bytes);

    /// <summary>Takes the right to write to a whole area away, or gives it back.</summary>
    public abstract void Protect(long address, long bytes, bool isWritable);

    /// <summary>Shares all pages with a second space, so that the next write to each copies it.</summary>
    public virtual void Share() => throw new NotSupportedException();

    /// <summary>Ends the second space.</summary>
    public virtual void Unshare()
    {
    }

    /// <summary>Maps 2 MiB, makes single pages of them, gathers those and unmaps all.</summary>
    public virtual void MakeAndCollapse() => throw new NotSupportedException();

    /// <summary>Writes a byte.</summary>
    /// <param name="address">Where.</param>
    /// <param name="thread">Number of the thread, for its counters.</param>
    public abstract void Touch(long address, int thread);

    /// <summary>Adds what was counted.</summary>
    public abstract void AddTo(Measurement measurement);

    /// <inheritdoc/>
    public abstract void Dispose();
}
