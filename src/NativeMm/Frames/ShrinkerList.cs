using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// The registered shrinkers, and how one is asked.
/// </summary>
internal sealed class ShrinkerList
{
    [ThreadStatic]
    private static bool t_isAsking;

    private readonly Registrations<IShrinker> _shrinkers = new();

    /// <summary>How long whoever asks a shrinker should wait if nobody says otherwise.</summary>
    public static TimeSpan DefaultPatience { get; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an allocation waits for shrinkers at most, in all its attempts together. Tests have less.</summary>
    public TimeSpan Patience { get; set; } = DefaultPatience;

    public void Add(IShrinker shrinker)
    {
        ArgumentNullException.ThrowIfNull(shrinker);
        _shrinkers.Add(shrinker);
    }

    public void Remove(IShrinker shrinker)
    {
        ArgumentNullException.ThrowIfNull(shrinker);
        _shrinkers.Remove(shrinker);
    }

    /// <summary>The shrinkers as they are now, to be asked one after the other by <see cref="Ask"/>.</summary>
    public IShrinker?[] Current => _shrinkers.Places;

    /// <summary>Whether the calling thread is inside a shrinker: what that allocates must not ask the shrinkers again.</summary>
    public static bool IsAskingHere => t_isAsking;

    /// <summary>Asks one shrinker. The caller holds no lock and no guard: a shrinker may be the program's own, and do whatever it wants.</summary>
    /// <param name="shrinker">Whom to ask.</param>
    /// <param name="framesWanted">How many frames the failing allocation needs.</param>
    /// <param name="deadline">When those who wait give up, by <see cref="Environment.TickCount64"/>.</param>
    /// <returns>How many frames it says that it gave back. They need not lie together, and others may have them by now.</returns>
    public static ulong Ask(IShrinker shrinker, ulong framesWanted, long deadline)
    {
        t_isAsking = true;
        try
        {
            return shrinker is IPatientShrinker patient ? patient.Shrink(framesWanted, deadline) : shrinker.Shrink(framesWanted);
        }
        catch (OutOfMemoryException)
        {
            // Without managed memory it cannot work: that frees nothing, and is no reason to fail for the allocation that asks.
            return 0;
        }
        finally
        {
            t_isAsking = false;
        }
    }
}
