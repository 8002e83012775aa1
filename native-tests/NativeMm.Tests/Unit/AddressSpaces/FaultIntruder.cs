using NativeMm.Primitives;

namespace NativeMm.Tests.Unit.AddressSpaces;

/// <summary>Lets a test act once at each of several named places, on the thread that reaches them.</summary>
internal readonly struct FaultIntruder : IPausePoint
{
    [ThreadStatic]
    private static Dictionary<string, Action>? t_actions;

    /// <summary>Has something done when the thread gets to a place.</summary>
    public static void At(string place, Action action) => (t_actions ??= [])[place] = action;

    /// <summary>Forgets what was to be done.</summary>
    /// <returns>The places that were not reached.</returns>
    public static string[] Leave()
    {
        string[] left = [.. t_actions?.Keys ?? Enumerable.Empty<string>()];
        t_actions = null;
        return left;
    }

    public static void Reach(string name)
    {
        if (t_actions is { } actions && actions.Remove(name, out Action? action))
        {
            action();
        }
    }
}
