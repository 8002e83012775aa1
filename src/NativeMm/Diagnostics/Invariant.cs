using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeMm.Diagnostics;

/// <summary>Checks of what must always be true inside the library. A failure is a bug here, never the caller's mistake.</summary>
internal static class Invariant
{
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

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Throw(string message) => throw new InvariantViolationException(message);
}
