using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// The registered shrinkers. Readers take the current array without a lock; it is never changed, only replaced.
/// </summary>
internal sealed class ShrinkerList
{
    private readonly Lock _writers = new();
    private IShrinker[] _shrinkers = [];

    public void Add(IShrinker shrinker)
    {
        ArgumentNullException.ThrowIfNull(shrinker);
        lock (_writers)
        {
            Atomic.StoreRelease(ref _shrinkers, [.. _shrinkers, shrinker]);
        }
    }

    public void Remove(IShrinker shrinker)
    {
        ArgumentNullException.ThrowIfNull(shrinker);
        lock (_writers)
        {
            int at = Array.IndexOf(_shrinkers, shrinker);
            if (at >= 0)
            {
                Atomic.StoreRelease(ref _shrinkers, [.. _shrinkers.AsSpan(0, at), .. _shrinkers.AsSpan(at + 1)]);
            }
        }
    }

    /// <summary>Asks every shrinker once, until enough came back. The caller holds no lock.</summary>
    /// <returns>Whether anybody was asked, so that another try is worth it.</returns>
    public bool Run(ulong framesWanted)
    {
        IShrinker[] shrinkers = Atomic.LoadAcquire(ref _shrinkers);
        ulong freed = 0;
        foreach (IShrinker shrinker in shrinkers)
        {
            freed += shrinker.Shrink(framesWanted);
            if (freed >= framesWanted)
            {
                break;
            }
        }

        return shrinkers.Length > 0;
    }
}
