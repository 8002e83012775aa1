using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// The registered shrinkers. Readers take the current array without a lock; its places are filled and vacated one by one, and a longer array
/// replaces it.
/// </summary>
internal sealed class ShrinkerList
{
    private SleepLock _writers;
    private IShrinker?[] _shrinkers = [];

    /// <summary>How long whoever asks a shrinker should wait if nobody says otherwise.</summary>
    public static TimeSpan DefaultPatience { get; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an allocation waits for shrinkers at most, in all its attempts together. Tests have less.</summary>
    public TimeSpan Patience { get; set; } = DefaultPatience;

    public void Add(IShrinker shrinker)
    {
        ArgumentNullException.ThrowIfNull(shrinker);
        using (_writers.EnterScope())
        {
            int vacant = Array.IndexOf(_shrinkers, null);
            if (vacant >= 0)
            {
                Atomic.StoreRelease(ref _shrinkers[vacant], shrinker);
                return;
            }

            Atomic.StoreRelease(ref _shrinkers, [.. _shrinkers, shrinker]);
        }
    }

    public void Remove(IShrinker shrinker)
    {
        ArgumentNullException.ThrowIfNull(shrinker);
        using (_writers.EnterScope())
        {
            int at = Array.IndexOf(_shrinkers, shrinker);
            if (at >= 0)
            {
                // Its place stays vacant: a shorter array would need managed memory, which a Dispose must not.
                Atomic.StoreRelease(ref _shrinkers[at], null);
            }
        }
    }

    /// <summary>Asks every shrinker once, until enough came back. The caller holds no lock.</summary>
    /// <param name="framesWanted">How many frames the failing allocation needs.</param>
    /// <param name="deadline">When those who wait give up, by <see cref="Environment.TickCount64"/>.</param>
    /// <returns>Whether anybody was asked, so that another try is worth it.</returns>
    public bool Run(ulong framesWanted, long deadline)
    {
        IShrinker?[] shrinkers = Atomic.LoadAcquire(ref _shrinkers);
        ulong freed = 0;
        bool anybody = false;
        for (int i = 0; i < shrinkers.Length && freed < framesWanted; i++)
        {
            if (Atomic.LoadAcquire(ref shrinkers[i]) is { } shrinker)
            {
                anybody = true;
                freed += Ask(shrinker, framesWanted, deadline);
            }
        }

        return anybody;
    }

    /// <summary>Asks one. Without managed memory he cannot work: that frees nothing, and is no reason to fail for the allocation that asks.</summary>
    private static ulong Ask(IShrinker shrinker, ulong framesWanted, long deadline)
    {
        try
        {
            return shrinker is IPatientShrinker patient ? patient.Shrink(framesWanted, deadline) : shrinker.Shrink(framesWanted);
        }
        catch (OutOfMemoryException)
        {
            return 0;
        }
    }
}
