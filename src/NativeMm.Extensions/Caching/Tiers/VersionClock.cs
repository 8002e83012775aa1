using NativeMm.Primitives;

namespace NativeMm.Extensions;

/// <summary>
/// Numbers writes so that later ones have larger numbers: of this process in any case, of others as far as the clocks agree. The upper 44 bits are milliseconds
/// since 1970, the lower 20 count within one.
/// </summary>
/// <param name="time">Whose clock.</param>
internal sealed class VersionClock(TimeProvider time)
{
    private const int CountBits = 20;
    private long _last;

    /// <summary>The next number.</summary>
    public long Next()
    {
        while (true)
        {
            long last = Atomic.LoadAcquire(ref _last);
            long next = long.Max(last + 1, time.GetUtcNow().ToUnixTimeMilliseconds() << CountBits);
            if (Atomic.CompareExchange(ref _last, last, next))
            {
                return next;
            }
        }
    }
}
