using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Tests.Concurrency.Vmap;

/// <summary>Lets a test act once, on the same thread, when an operation of vmap has found its range and not touched it yet.</summary>
internal readonly struct WhenFound : IPausePoint
{
    [ThreadStatic]
    private static Action? t_action;

    public static void Do(Action action) => t_action = action;

    public static void Reach(string name)
    {
        Action? action = name == VmapAllocator.PauseFound ? t_action : null;
        t_action = null;
        action?.Invoke();
    }
}
