using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using NativeMm.Extensions;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the live page.</summary>
public static class NativeMmEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps a live page of where the memory is, the same as JSON (<c>/data</c>, and <c>/events</c> as server-sent events), and as text in the shapes of
    /// <c>/proc</c> (<c>/text/buddyinfo</c>, <c>/text/vmallocinfo</c>, <c>/text/zsmalloc</c>, <c>/text/lock_stat</c>). Needs <c>services.AddNativeMm()</c>.
    /// </summary>
    /// <param name="endpoints">Where.</param>
    /// <param name="pattern">The path, without parameters.</param>
    /// <param name="configure">Changes the options.</param>
    /// <returns>To add conventions, first of all <c>RequireAuthorization</c>.</returns>
    /// <remarks>
    /// Outside of the environment Development the start fails unless an authorization policy holds for the page, or
    /// <see cref="NativeMmPageOptions.AllowWithoutAuthorization"/> is set: the page shows names and sizes of the service's memory. A request that came to the
    /// page without <c>UseAuthorization</c> having asked a policy is answered with 403.
    /// </remarks>
    /// <exception cref="InvalidOperationException"><c>AddNativeMm</c> was not called.</exception>
    /// <exception cref="ArgumentException">The path is empty, has parameters, or is none.</exception>
    /// <exception cref="ArgumentNullException">The routes are null.</exception>
    public static IEndpointConventionBuilder MapNativeMm(
        this IEndpointRouteBuilder endpoints, string pattern = "/nativemm", Action<NativeMmPageOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentException.ThrowIfNullOrWhiteSpace(pattern);
        string path = "/" + pattern.Trim('/');
        if (path == "/" || !IsPlain(path))
        {
            throw new ArgumentException($"The path of the page is one without parameters, such as /nativemm, not '{pattern}'.", nameof(pattern));
        }

        LivePageGuard guard = endpoints.ServiceProvider.GetService<LivePageGuard>()
            ?? throw new InvalidOperationException("MapNativeMm needs services.AddNativeMm() before the service is built.");
        var options = new NativeMmPageOptions();
        configure?.Invoke(options);
        RouteGroupBuilder group = endpoints.MapGroup(path);

        // What a service asks of all of its endpoints holds for others: a page that output caching keeps is old, and a stream of events fills the store.
        group.WithMetadata(new LivePageMetadata(path, options.AllowWithoutAuthorization), new OutputCacheAttribute { NoStore = true })
            .WithDisplayName($"NativeMm {path}");
        var handlers = new LivePageHandlers(endpoints.ServiceProvider.GetRequiredService<LivePageFeed>());
        Get("", LivePageHandlers.PageAsync);
        Get("/page.css", LivePageHandlers.StyleAsync);
        Get("/page.js", LivePageHandlers.ScriptAsync);
        Get("/data", handlers.DataAsync);
        Get("/events", handlers.EventsAsync).WithMetadata(new DisableRequestTimeoutAttribute());
        Get("/text/{name}", handlers.TextAsync);
        Get("/profile", handlers.ProfileAsync);
        group.MapPost("/trim", guard.Guard(options, handlers.TrimAsync));
        return group;

        IEndpointConventionBuilder Get(string below, RequestDelegate handler) => group.MapGet(below, guard.Guard(options, handler));
    }

    private static bool IsPlain(string path)
    {
        try
        {
            return RoutePatternFactory.Parse(path).Parameters.Count == 0;
        }
        catch (RoutePatternException)
        {
            return false;
        }
    }
}
