namespace NativeMm.Heap.Profile;

/// <summary>What was allocated from one place, estimated from the samples. Under the lock of its profile.</summary>
/// <param name="stack">The place: a line a frame, the innermost first.</param>
internal sealed class ProfileSite(string stack)
{
    /// <summary>The place.</summary>
    public string Stack => stack;

    /// <summary>Objects that were allocated.</summary>
    public double AllocatedObjects { get; private set; }

    /// <summary>Their bytes.</summary>
    public double AllocatedBytes { get; private set; }

    /// <summary>Objects that are in use.</summary>
    public double InUseObjects { get; private set; }

    /// <summary>Their bytes.</summary>
    public double InUseBytes { get; private set; }

    /// <summary>Counts a sample that stands for so much.</summary>
    public void Allocated(double objects, double bytes)
    {
        AllocatedObjects += objects;
        AllocatedBytes += bytes;
        InUseObjects += objects;
        InUseBytes += bytes;
    }

    /// <summary>Counts the end of one.</summary>
    public void Freed(double objects, double bytes)
    {
        InUseObjects -= objects;
        InUseBytes -= bytes;
    }
}
