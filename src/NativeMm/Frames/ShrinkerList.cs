using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// The registered shrinkers. Readers take the current array without a lock; it is never changed, only replaced.
/// </summary>
internal sealed class ShrinkerList
{
    private readonly Lock _writers = new();
    private IShrinker[] _shrinkers = [];

    /// <summary>How long whoever asks a shrinker should wait if nobody says otherwise.</summary>
    public static TimeSpan DefaultPatience { get; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an allocation waits for shrinkers at most, in all its attempts together. Tests have less.</summary>
    public TimeSpan Patience { get; set; } = DefaultPatience;

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
    /// <param name="framesWanted">How many frames the failing allocation needs.</param>
    /// <param name="deadline">When those who wait give up, by <see cref="Environment.TickCount64"/>.</param>
    /// <returns>Whether anybody was asked, so that another try is worth it.</returns>
    public bool Run(ulong framesWanted, long deadline)
    {
        IShrinker[] shrinkers = Atomic.LoadAcquire(ref _shrinkers);
        ulong freed = 0;
        foreach (IShrinker shrinker in shrinkers)
        {
            freed += shrinker is IPatientShrinker patient ? patient.Shrink(framesWanted, deadline) : shrinker.Shrink(framesWanted);
            if (freed >= framesWanted)
            {
                break;
            }
        }

        return shrinkers.Length > 0;
    }
}
