using NativeMm.Platform;
using Xunit;

namespace NativeMm.Extensions.Tests.Support;

/// <summary>Looks behind a memory.</summary>
internal static unsafe class Memories
{
    /// <summary>Where it begins.</summary>
    public static nuint AddressOf(Memory<byte> memory)
    {
        fixed (byte* first = memory.Span)
        {
            return (nuint)first;
        }
    }

    /// <summary>How many of its pages are in memory, as the system says.</summary>
    public static int ResidentPages(Memory<byte> memory)
    {
        Assert.True(SystemPlatform.Current.CountResident(AddressOf(memory), (nuint)memory.Length, out nuint pages).Succeeded);
        return (int)pages;
    }
}
