namespace NativeMm.Soak.Holdings;

/// <summary>How many images of one memory there may be: each keeps all pages that were written since. Thread-safe.</summary>
internal sealed class ImageCount(int most)
{
    private int _count;

    /// <summary>Counts one more, unless there are enough.</summary>
    public bool TryTake()
    {
        if (Interlocked.Increment(ref _count) <= most)
        {
            return true;
        }

        GiveBack();
        return false;
    }

    /// <summary>One less.</summary>
    public void GiveBack() => Interlocked.Decrement(ref _count);
}
