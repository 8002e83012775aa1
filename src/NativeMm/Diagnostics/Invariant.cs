using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeMm.Diagnostics;

/// <summary>Checks of what must always be true inside the library. A failure is a bug here, never the caller's mistake.</summary>
internal static class Invariant
{
#if DEBUG
    /// <summary>Whether structures look at what they changed before they give up its lock.</summary>
    public static bool AreAsserted => true;
#else
    // Read once, so that the compiler at run time leaves out what depends on it. What is wrong with the value is said by whoever reads the options.
    private static readonly bool s_areAsserted = EnvironmentSwitch.Read(Environment.GetEnvironmentVariable("NATIVEMM_CHECKED")) == true;

    /// <summary>
    /// Whether structures look at what they changed before they give up its lock: always in a Debug build, elsewhere in a process whose checked mode the environment
    /// asks for.
    /// </summary>
    public static bool AreAsserted => s_areAsserted;
#endif

    /// <summary>Throws when the condition is false.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(
        [DoesNotReturnIf(false)] bool condition,
        [InterpolatedStringHandlerArgument(nameof(condition))] ref InvariantMessage message)
    {
        if (!condition)
        {
            Throw(message.ToStringAndClear());
        }
    }

    /// <summary>Throws when the condition is false.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check([DoesNotReturnIf(false)] bool condition, string message)
    {
        if (!condition)
        {
            Throw(message);
        }
    }

    /// <summary>The same in a Debug build alone; elsewhere nothing is left of it, so it may stand on any path.</summary>
    [Conditional("DEBUG")]
    public static void Assert([DoesNotReturnIf(false)] bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref InvariantMessage message) =>
        Check(condition, ref message);

    /// <inheritdoc cref="Assert(bool, ref InvariantMessage)"/>
    [Conditional("DEBUG")]
    public static void Assert([DoesNotReturnIf(false)] bool condition, string message) => Check(condition, message);

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Throw(string message) => throw new InvariantViolationException(message);
}
