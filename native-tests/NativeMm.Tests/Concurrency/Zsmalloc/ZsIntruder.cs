using NativeMm.Primitives;

namespace NativeMm.Tests.Concurrency.Zsmalloc;

/// <summary>Lets a test act once, on the same thread, when the thread reaches a named place.</summary>
internal readonly struct ZsIntruder : IPausePoint
{
    [ThreadStatic]
    private static string? t_place;

    [ThreadStatic]
    private static Action? t_action;

    public static void Enter(string place, Action action) => (t_place, t_action) = (place, action);

    /// <summary>Forgets what was to be done.</summary>
    /// <returns>Whether the place was reached.</returns>
    public static bool Leave()
    {
        bool reached = t_place is null;
        (t_place, t_action) = (null, null);
        return reached;
    }

    public static void Reach(string name)
    {
        if (t_place == name)
        {
            Action action = t_action!;
            (t_place, t_action) = (null, null);
            action();
        }
    }
}
