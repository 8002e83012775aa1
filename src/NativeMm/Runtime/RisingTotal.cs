using NativeMm.Primitives;

namespace NativeMm.Runtime;

/// <summary>
/// A sum over parts that come and go, as a total that never falls: what a part that is gone had counted stays in it. Any thread may ask, at any time.
/// </summary>
internal sealed class RisingTotal
{
    private SleepLock _lock;
    private long _last;
    private long _gone;

    /// <summary>The total.</summary>
    /// <param name="sum">The sum over the parts that are there now.</param>
    public long With(long sum)
    {
        using (_lock.EnterScope())
        {
            // What others counted since the last look hides in the fall, and is lost; what they count from now on is not.
            _gone += long.Max(0, _last - sum);
            _last = sum;
            return _gone + sum;
        }
    }
}
