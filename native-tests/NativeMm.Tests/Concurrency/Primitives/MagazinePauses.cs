using NativeMm.Primitives;

namespace NativeMm.Tests.Concurrency;

/// <summary>Lets a test act while the owner of a magazine stands at one of the places inside a pop.</summary>
internal readonly struct MagazinePauses : IPausePoint
{
    public const string BeforeFloor = "pop: top lowered, floor not read";
    public const string BeforeItem = "pop: floor read, item not read";

    [ThreadStatic]
    private static Action<string>? t_action;

    /// <summary>What the calling thread does at each place.</summary>
    public static void OnReach(Action<string>? action) => t_action = action;

    public static void Reach(string name) => t_action?.Invoke(name);
}
