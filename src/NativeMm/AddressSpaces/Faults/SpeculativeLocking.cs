using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>
/// A fault without the space's lock: it gives up where it would have to wait for long. A kernel only tries, because the holder may wait for an interrupt that the
/// fault has switched off; here nobody who holds a leaf waits for anybody, and a few microseconds are less than what the space's lock costs.
/// </summary>
internal struct SpeculativeLocking : ILeafLocking
{
    // As long as a wait is spent on the core: some microseconds together, as many as it takes to empty a full leaf.
    private const int WaitsMax = 7;

    /// <inheritdoc/>
    public static bool IsSpeculative => true;

    /// <inheritdoc/>
    public static bool TryEnter(ref SpinLock<NoLockStatistics> leafLock)
    {
        var backoff = default(Backoff);
        for (int wait = 0; !leafLock.TryEnter(); wait++)
        {
            if (wait == WaitsMax)
            {
                return false;
            }

            backoff.Wait();
        }

        return true;
    }
}
