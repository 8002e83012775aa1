using NativeMm.Platform;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>Forbids access to a page and touches it. Arguments: read or write; forbidden or allowed (allowed again before the touch).</summary>
internal static unsafe class ProtectScenario
{
    public static int Run(string[] arguments)
    {
        IMemoryPlatform platform = SystemPlatform.Current;
        if (!platform.Reserve(platform.PageBytes * 2, platform.PageBytes, out nuint address).Succeeded)
        {
            return 3;
        }

        byte* page = (byte*)(address + platform.PageBytes);
        *page = 42;
        if (!platform.Protect((nuint)page, platform.PageBytes, accessible: false).Succeeded)
        {
            return 4;
        }

        if (arguments[1] == "allowed" && !platform.Protect((nuint)page, platform.PageBytes, accessible: true).Succeeded)
        {
            return 5;
        }

        // The page before the forbidden one stays usable.
        page[-1] = 1;
        Console.Out.WriteLine("touching");
        Console.Out.Flush();
        if (arguments[0] == "write")
        {
            *page = 43;
        }

        Console.Out.WriteLine($"read {*page}");
        return 0;
    }
}
