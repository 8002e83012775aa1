using Xunit;

namespace NativeMm.Extensions.Tests.LivePage;

/// <summary>A test in a real browser; skipped with a message where there is none.</summary>
internal sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute()
    {
        if (Browser.Path is null)
        {
            Skip = "No Chromium is installed (Debian: chromium).";
        }
    }
}
