using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace NativeMm.Extensions;

/// <summary>
/// Keeps strangers from the live page outside of Development: a page without a policy stops the start, when all endpoints are mapped and their conventions are
/// there; and each request is looked at again, because only then it is known whether a policy was asked at all. Thread-safe.
/// </summary>
/// <param name="services">The container.</param>
internal sealed class LivePageGuard(IServiceProvider services) : IStartupFilter
{
    /// <summary>What the authorization middleware leaves where it looked at the endpoint's policies; the endpoint middleware relies on it too.</summary>
    private const string AuthorizedItem = "__AuthorizationMiddlewareWithEndpointInvoked";

    private readonly IHostEnvironment? _environment = services.GetService<IHostEnvironment>();

    private string EnvironmentName => _environment?.EnvironmentName ?? "unknown";

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">A page has no policy, and this is not Development; or it has one that nobody could ask.</exception>
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        next(app);

        // The one of the container has the endpoints of all branches, with the conventions of the groups that they are in.
        if (app.ApplicationServices.GetService<EndpointDataSource>() is { } all)
        {
            Check(all.Endpoints);
        }
    };

    /// <summary>A handler that answers 403 where no policy kept strangers away.</summary>
    /// <param name="options">The page's options.</param>
    /// <param name="handler">What it does for everybody else.</param>
    public RequestDelegate Guard(NativeMmPageOptions options, RequestDelegate handler) =>
        options.AllowWithoutAuthorization || _environment?.IsDevelopment() == true ? handler : context => HandleAsync(context, handler);

    private async Task HandleAsync(HttpContext context, RequestDelegate handler)
    {
        bool wasAsked = context.Items.ContainsKey(AuthorizedItem);
        if (wasAsked && context.GetEndpoint() is { } endpoint && await IsGuardedAsync(endpoint, context.RequestServices))
        {
            await handler(context);
            return;
        }

        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        await LivePageHandlers.WriteAsync(
            context,
            "text/plain; charset=utf-8",
            $"The live page is refused: the environment is {EnvironmentName}, not Development, and "
            + (wasAsked ? "no authorization policy holds for it.\n" : "UseAuthorization() is not between UseRouting() and the endpoints.\n"));
    }

    private void Check(IEnumerable<Endpoint> endpoints)
    {
        using IServiceScope scope = services.CreateScope();
        bool hasPolicies = scope.ServiceProvider.GetService<IAuthorizationPolicyProvider>() is not null;
        foreach (Endpoint endpoint in endpoints)
        {
            if (!hasPolicies && HasPolicy(endpoint) && endpoint.Metadata.GetMetadata<LivePageMetadata>() is { } asked)
            {
                // Every request would end in an exception.
                throw new InvalidOperationException(
                    $"The live page {asked.Path} asks for authorization, and the service has none: call builder.Services.AddAuthentication(…) with a scheme, "
                    + "and AddAuthorization(), before it is built.");
            }

            if (_environment?.IsDevelopment() != true && endpoint.Metadata.GetMetadata<LivePageMetadata>() is { AllowWithoutAuthorization: false } page
                && !IsGuardedAsync(endpoint, scope.ServiceProvider).AsTask().GetAwaiter().GetResult())
            {
                throw new InvalidOperationException(
                    $"The live page {page.Path} has no authorization policy, and the environment is {EnvironmentName}, not Development. "
                    + $"Write app.MapNativeMm(\"{page.Path}\").RequireAuthorization(…), or set AllowWithoutAuthorization if others keep strangers away.");
            }
        }
    }

    /// <summary>Whether a policy holds for an endpoint, if it is asked: one of its own, or the one for everything.</summary>
    private static async ValueTask<bool> IsGuardedAsync(Endpoint endpoint, IServiceProvider services)
    {
        if (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            return false;
        }

        return HasPolicy(endpoint)
            || (services.GetService<IAuthorizationPolicyProvider>() is { } policies && await policies.GetFallbackPolicyAsync() is not null);
    }

    private static bool HasPolicy(Endpoint endpoint) => endpoint.Metadata.GetMetadata<IAuthorizeData>() is not null
        || endpoint.Metadata.GetMetadata<AuthorizationPolicy>() is not null
        || endpoint.Metadata.GetMetadata<IAuthorizationRequirementData>() is not null;
}
